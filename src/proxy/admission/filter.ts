/**
 * What stands between a request's head and its first try: tokens, authorization, limits. A filter answers at once or later,
 * once, and reads nothing of sockets. While one is suspended the request's body is not read beyond what it asked for.
 */
import type { AdmissionRequest, Claims } from "../../decide/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { Source } from "../../model/index.ts";
import type { HttpRequest } from "../http/index.ts";

/** The request as filters see and change it. The exchange implements it; of raw TCP there is no head. */
export interface FilteredExchange {
  /** What is asked about; `claims` is there once the token's filter set it. */
  readonly request: AdmissionRequest;
  readonly head: HttpRequest | undefined;
  /** Set by the token's filter, read by everything behind it. */
  claims: Claims | undefined;
  /** Fields for the application. What the client sent under a name that is set or removed does not go on. */
  setRequestHeader(nameLower: string, value: string): void;
  /** As `setRequestHeader`, with a line that `settable-field.ts` made: for what is the same in many requests. */
  setRequestLine(line: HeaderLine): void;
  addRequestHeader(nameLower: string, value: string): void;
  removeRequestHeader(nameLower: string): void;
  /** For the application, in the place of what came behind the "?"; empty: none. Whatever becomes of the path. */
  setRequestQuery(query: string): void;
  /** For whatever answer the client gets. */
  addAnswerLine(line: HeaderLine): void;
  /** For an answer that comes from the application only. */
  setAnswerHeader(nameLower: string, value: string): void;
  /**
   * The first bytes of the body: calls once, when it has ended or `maxBytes` are there. They stay the first that the
   * application gets. Calls with undefined when the client left.
   */
  readBody(maxBytes: number, onBody: (body: BodyStart | undefined) => void): void;
  /** A policy's deed for counters and the log; `verdict` as in `PolicyDelta`. */
  note(deed: PolicyDeed): void;
}

export interface BodyStart {
  readonly bytes: Uint8Array;
  /** Nothing comes behind it. */
  readonly isWhole: boolean;
}

export interface PolicyDeed {
  readonly source: Source;
  /** Name or place of its rule; empty: none. */
  readonly rule: string;
  readonly verdict: "denied" | "allowed" | "audited" | "would_deny" | "limited" | "would_limit";
}

/** The request does not go on. */
export interface FilterRefusal {
  readonly reason: ReasonCode;
  /** For the operator: what decided and why. */
  readonly detail: string;
  /** For the operator: what would let it in. */
  readonly hint?: string;
  /** Undefined: no policy, a lack of any. */
  readonly source: Source | undefined;
  /** Given: said to the client in the place of the reason's own status and body. */
  readonly answer?: FilterAnswer;
}

export interface FilterAnswer {
  readonly status: number;
  readonly lines: readonly HeaderLine[];
  readonly body: Uint8Array | undefined;
}

/** `suspended`: `resume` is called later, once, unless `cancel` comes first. */
export type FilterStep = "continue" | "suspended" | FilterRefusal;

/** Whoever started a filter: itself, as nothing is made for a request that need not wait. */
export interface FilterWaiter {
  resume(step: "continue" | FilterRefusal): void;
}

export interface RequestFilter {
  /** Must not throw. May call `resume` before it returns "suspended" only through a microtask or a socket's event. */
  start(exchange: FilteredExchange, waiter: FilterWaiter): FilterStep;
  /** The client is gone or time is up: `resume` must not be called any more. */
  cancel(exchange: FilteredExchange): void;
  /** The configuration no longer has it: connections and timers of its own end. */
  close?(): void;
}
