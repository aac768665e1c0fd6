/** Whether a request whose try came to nothing is tried again, and after what wait. */
import type { PreparedRetry } from "./requests.ts";

/** How one try ended. */
export interface TryEnd {
  /**
   * - `pool`: this proxy had no place for it; nothing was sent
   * - `connect`: no connection to the endpoint; nothing was sent
   * - `unprocessed`: whoever took it says that no application has looked at it
   * - `stale`: a connection that had been idle was lost under it
   * - `reset`: the connection or stream was lost before an answer
   * - `try_timeout`: no whole answer in a try's time
   * - `answer`: an answer came
   */
  readonly cause: "pool" | "connect" | "unprocessed" | "stale" | "reset" | "try_timeout" | "answer";
  /** Of HTTP; 0: no answer. */
  readonly status: number;
  /** Where the request is gRPC's and its status is known without a message. */
  readonly grpcStatus: number | undefined;
  /** What the callee asks to wait; undefined: it says nothing. */
  readonly retryAfterMs: number | undefined;
  /** The callee says that trying again helps nobody. */
  readonly isFinal: boolean;
}

/** What the request has behind it. */
export interface TryState {
  /** Tries beside the first that were made. */
  readonly retries: number;
  readonly method: string;
  /** There is an endpoint that has not been tried. */
  readonly hasOther: boolean;
  /** The request is itself part of somebody's retry: to repeat it here would multiply. */
  readonly isInherited: boolean;
  /** Until the request's own timeout; Infinity: none. */
  readonly remainingMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** Why what could have been repeated is not; a label of metrics. */
export type Withheld = "attempts" | "callee" | "retry_after" | "deadline" | "inherited";

export type RetryVerdict =
  /** `isFree`: no application has seen the request, so that no budget is needed where a fresh endpoint takes it. */
  | { readonly isRepeated: true; readonly delayMs: number; readonly isFree: boolean }
  /** Undefined: nothing says that it may be repeated. */
  | { readonly isRepeated: false; readonly because: Withheld | undefined };

/**
 * A request that no application has seen is given to so many other endpoints whatever the policy says: enough for one dead
 * and one dying endpoint, bounded for storms.
 */
const maxUnseen = 2;

/** RFC 9110 section 9.2.2: to send such a request twice has the effect of sending it once. */
const idempotentMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

export function isSafeToRepeat(retry: PreparedRetry, method: string): boolean {
  return retry.unsafeMethods || idempotentMethods.has(method);
}

export function judgeRetry(retry: PreparedRetry, end: TryEnd, state: TryState): RetryVerdict {
  const isUnseen = isKnownUnseen(end, state);
  if (!isUnseen && !isCovered(retry, end, state.method)) return passed;
  if (end.isFinal) return withheld("callee");
  if (isUnseen && state.retries < Math.max(maxUnseen, retry.maxRetries)) return freely;
  // Nowhere else to go at once, or it was seen: the policy's own rules.
  if (isUnseen && !isCovered(retry, end, state.method)) return passed;
  if (retry.maxRetries === 0) return passed;
  if (state.isInherited) return withheld("inherited");
  if (state.retries >= retry.maxRetries) return withheld("attempts");
  const { retryAfterMs = 0 } = end;
  if (retryAfterMs > retry.maxRetryAfterMs) return withheld("retry_after");
  const delayMs = Math.max(retryAfterMs, backoffMs(retry, state.retries, state.random));
  if (delayMs >= state.remainingMs) return withheld("deadline");
  return { isRepeated: true, delayMs, isFree: false };
}

/** At least the base, at random up to base * 2^(retries + 1), so that callers who failed together come back apart. */
export function backoffMs(
  { backoffBaseMs, backoffMaxMs }: PreparedRetry,
  retries: number,
  random: number,
): number {
  const upToMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** (retries + 1));
  return backoffBaseMs + random * Math.max(0, upToMs - backoffBaseMs);
}

const freely: RetryVerdict = { isRepeated: true, delayMs: 0, isFree: true };
const passed: RetryVerdict = { isRepeated: false, because: undefined };

function withheld(because: Withheld): RetryVerdict {
  return { isRepeated: false, because };
}

/** No application has seen it, and there is somewhere else to try it at once. */
function isKnownUnseen({ cause }: TryEnd, { hasOther, method }: TryState): boolean {
  switch (cause) {
    case "pool":
    case "connect":
      return hasOther;
    case "unprocessed":
      return true;
    case "stale":
      // Most likely: the peer closed the connection before the request came. The method covers the rest.
      return idempotentMethods.has(method);
    case "reset":
    case "try_timeout":
    case "answer":
      return false;
  }
}

/** The policy's conditions. */
function isCovered(retry: PreparedRetry, end: TryEnd, method: string): boolean {
  if (end.grpcStatus !== undefined && retry.grpcStatuses.has(end.grpcStatus)) return true;
  switch (end.cause) {
    case "pool":
      return false;
    case "connect":
    case "unprocessed":
      return retry.onConnectFailure;
    case "stale":
    case "reset":
      return retry.onReset && isSafeToRepeat(retry, method);
    case "try_timeout":
      return retry.onTryTimeout && isSafeToRepeat(retry, method);
    case "answer":
      return retry.statuses.has(end.status) && isSafeToRepeat(retry, method);
  }
}
