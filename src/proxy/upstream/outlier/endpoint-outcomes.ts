/**
 * What came of one endpoint's tries: a few counters, written on the way of every request. Whoever owns them is asked when
 * a row of failures is complete.
 */
import { Histogram } from "../../../kernel/index.ts";
import type { OutlierSettings } from "./settings.ts";

export type EjectionReason =
  | "consecutive_5xx"
  | "consecutive_gateway_errors"
  | "consecutive_local_failures"
  | "success_rate"
  | "latency";

/** What is known of an endpoint apart from its answers. */
export interface OutlierMember {
  /** "namespace/name" */
  readonly workload: string;
  readonly weight: number;
  /** Clock time in microseconds; 0: it is not ejected. */
  ejectedUntilUs: number;
  outcomes: EndpointOutcomes | undefined;
}

export interface OutcomeOwner {
  readonly settings: OutlierSettings;
  onRowComplete(member: OutlierMember, reason: EjectionReason, nowUs: number): void;
}

export class EndpointOutcomes {
  /** Of the current interval. */
  requests = 0;
  successes = 0;
  /** Undefined where latency is not looked at. */
  latencies: Histogram | undefined;
  /** Ejections that it has not lived down: one is forgiven with each interval outside. */
  timesEjected = 0;
  /** Why it was last; undefined: another process found out. */
  ejectedFor: EjectionReason | undefined = undefined;
  readonly #owner: OutcomeOwner;
  readonly #member: OutlierMember;
  #row5xx = 0;
  #rowGatewayErrors = 0;
  #rowLocalFailures = 0;

  constructor(owner: OutcomeOwner, member: OutlierMember) {
    this.#owner = owner;
    this.#member = member;
    this.follow(owner.settings);
  }

  follow(settings: OutlierSettings): void {
    if (settings.latencyFactor === undefined) this.latencies = undefined;
    else this.latencies ??= new Histogram();
  }

  /** It answered. `status`: of HTTP, or what a gRPC status stands for (`statusOfGrpc`). */
  recordStatus(status: number, nowUs: number): void {
    this.requests++;
    this.#rowLocalFailures = 0;
    if (status < 500) {
      this.successes++;
      this.#row5xx = 0;
      this.#rowGatewayErrors = 0;
      return;
    }
    const { settings } = this.#owner;
    const isGatewayError = status === 502 || status === 503 || status === 504;
    this.#rowGatewayErrors = isGatewayError ? this.#rowGatewayErrors + 1 : 0;
    if (this.#rowGatewayErrors >= settings.consecutiveGatewayErrors) {
      this.#complete("consecutive_gateway_errors", nowUs);
    } else if (++this.#row5xx >= settings.consecutive5xx) {
      this.#complete("consecutive_5xx", nowUs);
    }
  }

  recordLatency(latencyUs: number): void {
    this.latencies?.record(latencyUs);
  }

  /** No answer: it could not be connected to, reset, or was silent for too long. */
  recordLocalFailure(nowUs: number): void {
    this.requests++;
    if (++this.#rowLocalFailures >= this.#owner.settings.consecutiveLocalFailures) {
      this.#complete("consecutive_local_failures", nowUs);
    }
  }

  /** A TCP connection stood, which is all that is known of it. */
  recordConnected(): void {
    this.#rowLocalFailures = 0;
  }

  endInterval(): void {
    this.requests = 0;
    this.successes = 0;
    this.latencies?.clear();
  }

  #complete(reason: EjectionReason, nowUs: number): void {
    // Whatever becomes of it: the next row begins anew.
    this.#row5xx = 0;
    this.#rowGatewayErrors = 0;
    this.#rowLocalFailures = 0;
    this.#owner.onRowComplete(this.#member, reason, nowUs);
  }
}
