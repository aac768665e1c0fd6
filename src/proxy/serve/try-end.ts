/** How a try ended, in the words in which `decide` judges whether there is another. */
import { parsePushback, parseRetryAfter, type TryEnd } from "../../decide/index.ts";
import { impliedGrpcStatus, readGrpcStatus, resetCodeToGrpc } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HttpResponse } from "../http/index.ts";
import type { AttemptFailure } from "./attempt.ts";
import {
  failedHeader,
  isOverload,
  noRetryHeader,
  parseUnprocessed,
  unprocessedHeader,
} from "./hop-fields.ts";

export interface EndedTry extends TryEnd {
  /** What it is called in metrics: a reason code, or the status of an answer. */
  readonly label: string;
  /** The peer's proxy could not give it to its application. */
  readonly handedBack: ReasonCode | undefined;
}

export interface AnswerContext {
  /** It came through a peer's proxy, which may speak of itself. */
  readonly isPeer: boolean;
  readonly isGrpc: boolean;
  readonly nowMs: number;
}

/** The head may be one that another try could better. All others are passed on without a further look. */
export function isSuspect(head: HttpResponse, isGrpc: boolean): boolean {
  if (head.status >= 400) return true;
  if (!isGrpc) return false;
  const status = head.get("grpc-status");
  return status !== undefined && status !== "0";
}

export function endOfAnswer(head: HttpResponse, { isPeer, isGrpc, nowMs }: AnswerContext): EndedTry {
  const { status } = head;
  const grpcStatus = isGrpc ? grpcStatusOf(head) : undefined;
  const pushback = isGrpc ? head.get("grpc-retry-pushback-ms") : undefined;
  const wait = pushback === undefined ? undefined : parsePushback(pushback);
  const retryAfter = head.get("retry-after");
  const retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, nowMs);
  const said = {
    status,
    grpcStatus,
    retryAfterMs: typeof wait === "number" ? wait : retryAfterMs,
    isFinal: wait === "never" || (isPeer && head.get(noRetryHeader) !== undefined),
  };
  const unprocessed = isPeer && status === 503 ? head.get(unprocessedHeader) : undefined;
  if (unprocessed !== undefined) {
    const handedBack = parseUnprocessed(unprocessed);
    return { ...said, cause: isOverload(handedBack) ? "pool" : "connect", label: handedBack, handedBack };
  }
  const isReset = isPeer && head.get(failedHeader) === "upstream_reset";
  const label = status === 200 ? `grpc_${grpcStatus ?? 0}` : `http_${status}`;
  return {
    ...said,
    cause: isReset ? "reset" : "answer",
    label: isReset ? "upstream_reset" : label,
    handedBack: undefined,
  };
}

/** Undefined: nothing about it could be better elsewhere. */
export function endOfFailure(failure: AttemptFailure, isGrpc: boolean): EndedTry | undefined {
  const { cause, reason, resetCode } = failure;
  if (cause === "malformed") return undefined;
  const ofReset = resetCode === undefined ? undefined : resetCodeToGrpc(resetCode);
  return {
    cause,
    status: 0,
    grpcStatus: isGrpc ? (ofReset ?? reasons[reason].grpcStatus) : undefined,
    retryAfterMs: undefined,
    isFinal: false,
    label: reason,
    handedBack: undefined,
  };
}

function grpcStatusOf(head: HttpResponse): number | undefined {
  return head.status === 200 ? readGrpcStatus(head) : impliedGrpcStatus(head.status, { kind: "done" });
}
