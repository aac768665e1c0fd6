/** How an exchange ended: counted, told to whoever observes, and told to the caller no further than its class. */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { Telemetry } from "../../model/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { ServeContext } from "./context.ts";
import type { HttpService } from "./http-service.ts";

/** Of which something may be said. */
interface Told {
  readonly telemetry?: Telemetry | undefined;
}

/** What is told: the route's over the Gateway's or the workload's. Undefined, at no cost: nobody said anything. */
export function telemetryOf(context: ServeContext, owner: Told, route?: Told): PreparedTelemetry | undefined {
  const base = owner.telemetry ?? context.agent.snapshot.inbound?.telemetry;
  return context.telemetry.of(base, route?.telemetry);
}

export function recordHttp(context: ServeContext, ended: HttpOutcome): void {
  const { trace } = ended;
  const outcome = trace?.keepsHttp(ended) === true ? { ...ended, traceId: trace.traceId } : ended;
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
  const asksFacts = factsOf !== undefined && metrics.labels.length > 0;
  return context.series.under(outcome.edge, metrics, asksFacts ? () => factsOf(outcome) : undefined);
}

/** A request that could not even be read. */
export interface UnreadRequest {
  /** By which it was to be carried. */
  readonly service: HttpService;
  readonly requestId: string;
  readonly reason: ReasonCode;
  readonly detail: string;
  readonly peerAddress: string;
}

export function recordUnread(context: ServeContext, { service, ...request }: UnreadRequest): void {
  const nowUs = context.clock.monotonicUs();
  recordHttp(context, {
    ...request,
    edge: service.edge(undefined, undefined),
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
    telemetry: telemetryOf(context, service),
  });
}

/** For observers only: connections are counted while they are open. */
export function recordTcp(context: ServeContext, ended: TcpOutcome): void {
  const { trace } = ended;
  context.observers.tcp(trace?.keepsTcp(ended) === true ? { ...ended, traceId: trace.traceId } : ended);
}

/** All that a caller is told: whose side it was on, and the id by which the operator finds the rest. */
export function errorBody(reason: ReasonCode, requestId: string, told?: string): string {
  const side = reasons[reason].responseClass;
  const why = told === undefined ? "" : `: ${told}`;
  return requestId === "" ? `${side} error${why}\n` : `${side} error, request ${requestId}${why}\n`;
}
