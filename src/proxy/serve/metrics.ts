/** The figures of the data path that are no golden signals: who is connected, what was refused at the door, retries. */
import type { Withheld } from "../../decide/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import { ExportCounters } from "../otlp/index.ts";
import {
  type Counter,
  CounterFamily,
  type MetricFamily,
  PolicyCounters,
  RuleHits,
} from "../telemetry/index.ts";
import type { EjectionReason } from "../upstream/index.ts";
import { type LimitName, limitLabel } from "./limits.ts";
import { UdpMetrics } from "./udp-metrics.ts";

/** The doors of a proxy, as the `listener` label names them. */
export type Door = "outbound" | "inbound" | "plaintext" | "gateway" | "dns";

/**
 * - `answered`, `error_answered`: completely, with a status below 500 or not
 * - `failed`: no connection, or it was lost
 * - `timed_out`: no whole answer in time
 * - `body_too_slow`: the mirror did not take the body as fast as the backend did
 * - `cut_short`: the request itself ended before all of it had come
 * - `no_endpoint`, `overloaded`: nothing was sent
 */
export type MirrorOutcome =
  | "answered"
  | "error_answered"
  | "failed"
  | "timed_out"
  | "body_too_slow"
  | "cut_short"
  | "no_endpoint"
  | "overloaded";

export class ServeMetrics {
  readonly exports = new ExportCounters();
  readonly #accepted = new CounterFamily(
    "weft_connections_accepted_total",
    "Connections taken by a listener of this proxy.",
    ["listener"],
  );
  readonly #refused = new CounterFamily(
    "weft_connections_refused_total",
    "Connections turned away before they carried a request, with the reason.",
    ["listener", "reason"],
  );
  readonly #retries = new CounterFamily(
    "weft_retries_total",
    "Requests tried again, by what became of the try before: a reason code, or the status of its answer.",
    ["reason"],
  );
  readonly #withheld = new CounterFamily(
    "weft_retries_withheld_total",
    "Requests that failed and were not tried again although their policy would have allowed it, with what forbade it.",
    ["cause"],
  );
  readonly #tries = new CounterFamily(
    "weft_upstream_tries_total",
    "Tries of HTTP requests: first ones, retries and hedges.",
  );
  readonly #hedges = new CounterFamily(
    "weft_hedges_total",
    "Tries made beside one that had not answered in time.",
  );
  readonly #hedgesWon = new CounterFamily("weft_hedges_won_total", "Hedges whose answer was the first.");
  readonly #connectFailures = new CounterFamily(
    "weft_upstream_connect_failures_total",
    "Connections to endpoints that could not be opened.",
    ["reason"],
  );
  readonly #limits = new CounterFamily(
    "weft_limit_reached_total",
    "What a limit of this proxy ended, refused or held back.",
    ["limit"],
  );
  readonly #mirrored = new CounterFamily(
    "weft_mirrored_requests_total",
    "Copies of requests that routes sent to mirrors, by what became of them. They count nowhere else on this side.",
    ["outcome"],
  );
  readonly #clusterLimits = new CounterFamily(
    "weft_cluster_limit_reached_total",
    "Requests and TCP connections refused because the service's own limit was reached.",
    ["limit"],
  );
  readonly #ejections = new CounterFamily(
    "weft_endpoint_ejections_total",
    "Endpoints taken out for a while because of how they answered.",
    ["reason"],
  );
  readonly #preventedEjections = new CounterFamily(
    "weft_endpoint_ejections_prevented_total",
    "Endpoints that would have been taken out, had not too many been out already.",
    ["reason"],
  );
  readonly #probes = new CounterFamily("weft_health_checks_total", "Health checks of endpoints.", ["result"]);
  readonly #dns = new CounterFamily("weft_dns_queries_total", "DNS queries by what became of them.", [
    "outcome",
  ]);
  readonly #passed = new CounterFamily(
    "weft_passthrough_connections_total",
    "Connections to addresses that the mesh does not know, carried as they are.",
  );
  readonly #faults = new CounterFamily(
    "weft_faults_injected_total",
    "Requests and connections that a FaultPolicy made trouble for, by what it did.",
    ["fault"],
  );
  readonly #handshakes = new CounterFamily(
    "weft_tls_handshakes_total",
    "TLS handshakes with clients and peers that dialled this proxy, by version (empty: it did not come to that) and result: ok or a reason.",
    ["listener", "version", "result"],
  );

  readonly #asked = new CounterFamily(
    "weft_admission_calls_total",
    "Questions to services that decide about requests, by what came of them.",
    ["kind", "outcome"],
  );
  readonly #tokens = new CounterFamily("weft_tokens_total", "Tokens of requests by what was found.", [
    "outcome",
  ]);
  #validTokens: Counter | undefined = undefined;

  readonly policies = new PolicyCounters();
  readonly ruleHits = new RuleHits();
  readonly udp = new UdpMetrics();

  readonly families: readonly MetricFamily[] = [
    this.#accepted,
    this.#refused,
    this.#retries,
    this.#withheld,
    this.#tries,
    this.#hedges,
    this.#hedgesWon,
    this.#connectFailures,
    this.#limits,
    this.#mirrored,
    this.#clusterLimits,
    this.#ejections,
    this.#preventedEjections,
    this.#probes,
    this.#dns,
    this.#passed,
    this.#faults,
    this.#handshakes,
    this.#asked,
    this.#tokens,
    this.policies,
    this.ruleHits,
    ...this.udp.families,
    ...this.exports.families,
  ];

  /** Those that the control plane is told, as differences. */
  readonly reported: readonly CounterFamily[] = [
    this.#refused,
    this.#retries,
    this.#withheld,
    this.#tries,
    this.#hedges,
    this.#hedgesWon,
    this.#connectFailures,
    this.#limits,
    this.#clusterLimits,
    this.#ejections,
    this.exports.droppedFamily,
  ];

  /** On the way of every request. */
  readonly tries: Counter = this.#tries.of();
  readonly hedges: Counter = this.#hedges.of();
  readonly hedgesWon: Counter = this.#hedgesWon.of();
  readonly accessLogDropped: Counter = this.exports.droppedFamily.of("access_log", "queue_full");
  /** A sender was paused: on the way of every large body, so it has a handle. */
  readonly bodiesPaused: Counter = this.#limits.of(limitLabel("maxBufferedBodyBytes"));
  readonly replayExhausted: Counter = this.#limits.of(limitLabel("maxReplayBytes"));

  readonly passedThrough: Counter = this.#passed.of();

  accepted(door: Door): void {
    this.#accepted.of(door).value++;
  }

  refused(door: Door, reason: ReasonCode): void {
    this.#refused.of(door, reason).value++;
  }

  /** Also `http_503`, `grpc_14`: statuses of policies, so that there are few. */
  retried(reason: string): void {
    this.#retries.of(reason).value++;
  }

  withheld(cause: Withheld | "body" | "budget"): void {
    this.#withheld.of(cause).value++;
  }

  /** Ask once and keep the handle. Both from closed sets: "span", "queue_full". */
  telemetryDropped(signal: string, reason: string): Counter {
    return this.exports.droppedFamily.of(signal, reason);
  }

  /** `version` as "TLSv1.3"; empty: none was agreed on. */
  handshake(door: Door, version: string, result: ReasonCode | "ok"): void {
    this.#handshakes.of(door, version, result).value++;
  }

  connectFailed(reason: ReasonCode): void {
    this.#connectFailures.of(reason).value++;
  }

  limitReached(limit: LimitName): void {
    this.#limits.of(limitLabel(limit)).value++;
  }

  faultInjected(fault: "delay" | "abort" | "reset" | "bandwidth"): void {
    this.#faults.of(fault).value++;
  }

  asked(kind: string, outcome: string): void {
    this.#asked.of(kind, outcome).value++;
  }

  token(outcome: string): void {
    // Mostly that, and with every request of a door: its handle is kept.
    if (outcome === "valid") (this.#validTokens ??= this.#tokens.of(outcome)).value++;
    else this.#tokens.of(outcome).value++;
  }

  mirrored(outcome: MirrorOutcome): void {
    this.#mirrored.of(outcome).value++;
  }

  clusterLimitReached(limit: "requests" | "connections"): void {
    this.#clusterLimits.of(limit).value++;
  }

  ejected(reason: EjectionReason): void {
    this.#ejections.of(reason).value++;
  }

  ejectionPrevented(reason: EjectionReason): void {
    this.#preventedEjections.of(reason).value++;
  }

  probed(isPassed: boolean): void {
    this.#probes.of(isPassed ? "passed" : "failed").value++;
  }

  dns(outcome: "answered" | "forwarded" | "refused" | "failed" | "malformed"): void {
    this.#dns.of(outcome).value++;
  }
}
