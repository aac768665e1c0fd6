/** How an exchange ended: counted, written to the access log, and told to the caller no further than its class. */
import type { ReasonCode } from "../../kernel/index.ts";
import { reasons } from "../../kernel/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { encodeAccessLine, type EdgeSeries } from "../telemetry/index.ts";
import type { ServeContext } from "./context.ts";
import type { PolicyNames } from "./policy-record.ts";

interface FaultRecord {
  /** Who did what, and `detail`. */
  describe(detail: string): string;
}

interface TriesRecord {
  /** Address and port of the newest. */
  readonly place: string;
  readonly count: number;
  /** What was done to the request on purpose; undefined: nothing. */
  readonly fault: FaultRecord | undefined;
}

export interface HttpOutcome {
  readonly edge: EdgeSeries;
  /** Name or place of the route's rule; empty: none. */
  readonly rule: string;
  /** Undefined: the head could not be read. */
  readonly head: HttpRequest | undefined;
  readonly requestId: string;
  /** Absent: none had a say, or no line is written. */
  readonly policy?: PolicyNames | undefined;
  readonly status: number;
  readonly reason: ReasonCode | undefined;
  readonly detail: string;
  readonly peerAddress: string;
  /** Undefined: there were none. */
  readonly tries: TriesRecord | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationUs: number;
}

export function recordHttp(context: ServeContext, outcome: HttpOutcome): void {
  const { edge, tries } = outcome;
  const fault = tries?.fault;
  // What went well for all that is not to be mistaken for what was left alone.
  const reason = outcome.reason ?? (fault && "fault_injected");
  edge.http(outcome.status, reason).record(outcome.durationUs, outcome.requestBytes, outcome.responseBytes);
  if (!context.isAccessLogged) return;
  const head = outcome.head;
  context.accessLog.append(
    encodeAccessLine({
      timeMs: context.clock.nowMs(),
      edge: edge.labels,
      rule: outcome.rule,
      requestId: outcome.requestId,
      ...outcome.policy,
      method: head?.method ?? "",
      authority: head?.authority ?? "",
      path: head?.path ?? "",
      userAgent: head?.get("user-agent") ?? "",
      status: outcome.status,
      reason: reason ?? "",
      detail: fault?.describe(outcome.detail) ?? outcome.detail,
      peerAddress: outcome.peerAddress,
      upstreamAddress: tries?.place ?? "",
      attempts: tries?.count ?? 0,
      requestBytes: outcome.requestBytes,
      responseBytes: outcome.responseBytes,
      durationUs: outcome.durationUs,
      revision: context.agent.snapshot.revision,
    }),
  );
}

/** A request that could not even be read. */
export interface UnreadRequest {
  readonly edge: EdgeSeries;
  readonly requestId: string;
  readonly reason: ReasonCode;
  readonly detail: string;
  readonly peerAddress: string;
}

export function recordUnread(context: ServeContext, request: UnreadRequest): void {
  recordHttp(context, {
    ...request,
    rule: "",
    head: undefined,
    status: reasons[request.reason].httpStatus,
    tries: undefined,
    requestBytes: 0,
    responseBytes: 0,
    durationUs: 0,
  });
}

export interface TcpOutcome {
  readonly edge: EdgeSeries;
  /** Of a connection that a policy refused: by which the refusal is found; else empty. */
  readonly requestId: string;
  readonly policy?: PolicyNames | undefined;
  readonly reason: ReasonCode | undefined;
  readonly detail: string;
  readonly peerAddress: string;
  readonly upstreamAddress: string;
  readonly attempts: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationUs: number;
}

/** The line only: connections are counted while they are open. */
export function logTcp(context: ServeContext, outcome: TcpOutcome): void {
  if (!context.isAccessLogged) return;
  const { edge, reason, policy, ...rest } = outcome;
  context.accessLog.append(
    encodeAccessLine({
      ...rest,
      ...policy,
      timeMs: context.clock.nowMs(),
      edge: edge.labels,
      rule: "",
      method: "",
      authority: "",
      path: "",
      userAgent: "",
      status: 0,
      reason: reason ?? "",
      revision: context.agent.snapshot.revision,
    }),
  );
}

/** All that a caller is told: whose side it was on, and the id by which the operator finds the rest. */
export function errorBody(reason: ReasonCode, requestId: string, told?: string): string {
  const side = reasons[reason].responseClass;
  const why = told === undefined ? "" : `: ${told}`;
  return requestId === "" ? `${side} error${why}\n` : `${side} error, request ${requestId}${why}\n`;
}
