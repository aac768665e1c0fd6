/** What is known of an exchange or a connection when it has ended: the one thing that metrics, logs, spans and taps are made of. */
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { HttpRequest, HttpResponse } from "../http/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";

/** Which policy, by which of its rules, did what; empty: none. */
export interface PolicyNames {
  /** "AuthorizationPolicy namespace/name" */
  readonly policy: string;
  readonly policyRule: string;
  readonly policyVerdict: string;
}

interface FaultRecord {
  /** Who did what, and `detail`. */
  describe(detail: string): string;
}

/** One try. Times are of the monotonic clock in microseconds; 0: it did not come to that. */
export interface TryRecord {
  /** Address and port. */
  readonly place: string;
  readonly workload: string;
  /** Of the request's tries, from 0. */
  readonly number: number;
  readonly isHedge: boolean;
  readonly startUs: number;
  /** It had a place on a connection. */
  readonly sentUs: number;
  /** The final head came. */
  readonly answeredUs: number;
  /** 0: it goes on. */
  readonly endUs: number;
  /** Of its answer; 0: none. */
  readonly status: number;
  /** Of its failure. */
  readonly reason: ReasonCode | undefined;
}

export interface TriesRecord {
  /** Address and port of the newest. */
  readonly place: string;
  readonly count: number;
  /** What was done to the request on purpose; undefined: nothing. */
  readonly fault: FaultRecord | undefined;
  /** In order, where an observer wants them; else empty. At most as many as there were tries. */
  readonly records: readonly TryRecord[];
}

/** When what happened, monotonic, in microseconds; 0: it did not come to that. Only where an observer wants times. */
export interface ExchangeTimes {
  readonly startUs: number;
  /** No policy stood against it. */
  readonly admittedUs: number;
  /** The final head was passed on. */
  readonly firstByteUs: number;
  readonly endUs: number;
}

export interface HttpOutcome {
  readonly edge: EdgeSeries;
  /** Name or place of the route's rule; empty: none. */
  readonly rule: string;
  /** Undefined: the head could not be read. */
  readonly head: HttpRequest | undefined;
  /** As it came from upstream; undefined: the proxy answered itself, or nobody did. */
  readonly response: HttpResponse | undefined;
  readonly scheme: "http" | "https";
  readonly requestId: string;
  /** Absent: none had a say. */
  readonly policy?: PolicyNames | undefined;
  /** That the caller got; of a gRPC call the HTTP status that its gRPC status stands for. */
  readonly status: number;
  /** Undefined: no gRPC, or it never came. */
  readonly grpcStatus: number | undefined;
  readonly reason: ReasonCode | undefined;
  readonly detail: string;
  readonly peerAddress: string;
  /** Undefined: there were none. */
  readonly tries: TriesRecord | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationUs: number;
  readonly times: ExchangeTimes;
  /** Of the trace that this exchange is kept in, in hex; absent: it is in none. */
  readonly traceId?: string | undefined;
  /** Undefined: nobody has said anything, the defaults hold. */
  readonly telemetry: PreparedTelemetry | undefined;
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
  /** Undefined: the defaults hold. */
  readonly telemetry?: PreparedTelemetry | undefined;
}
