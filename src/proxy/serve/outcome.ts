/** How an exchange ended: counted, told to whoever observes, and told to the caller no further than its class. */
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { ServeContext } from "./context.ts";

export function recordHttp(context: ServeContext, outcome: HttpOutcome): void {
  const { telemetry, traceId, durationUs } = outcome;
  const edge = telemetry === undefined ? outcome.edge : edgeUnder(context, outcome, telemetry);
  const cell = edge.http(outcome.head?.method, outcome.status, outcome.grpcStatus, outcome.reason);
  cell.record(durationUs, outcome.requestBytes, outcome.responseBytes);
  if (traceId !== undefined && telemetry?.metrics.hasExemplars !== false)
    cell.exemplify({ traceId, durationUs, timeMs: context.coarseNowMs });
  context.observers.http(outcome);
}

function edgeUnder(context: ServeContext, outcome: HttpOutcome, { metrics }: PreparedTelemetry): EdgeSeries {
  const { factsOf } = context;
  return context.series.under(outcome.edge, metrics, factsOf && (() => factsOf(outcome)));
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
  const nowUs = context.clock.monotonicUs();
  recordHttp(context, {
    ...request,
    rule: "",
    head: undefined,
    response: undefined,
    scheme: "http",
    status: reasons[request.reason].httpStatus,
    grpcStatus: undefined,
    tries: undefined,
    requestBytes: 0,
    responseBytes: 0,
    durationUs: 0,
    times: { startUs: nowUs, admittedUs: 0, firstByteUs: 0, endUs: nowUs },
    telemetry: undefined,
  });
}

/** For observers only: connections are counted while they are open. */
export function recordTcp(context: ServeContext, outcome: TcpOutcome): void {
  context.observers.tcp(outcome);
}

/** All that a caller is told: whose side it was on, and the id by which the operator finds the rest. */
export function errorBody(reason: ReasonCode, requestId: string, told?: string): string {
  const side = reasons[reason].responseClass;
  const why = told === undefined ? "" : `: ${told}`;
  return requestId === "" ? `${side} error${why}\n` : `${side} error, request ${requestId}${why}\n`;
}
