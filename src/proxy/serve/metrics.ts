/** The figures of the data path that are no golden signals: who is connected, what was refused at the door, retries. */
import type { ReasonCode } from "../../kernel/index.ts";
import { type Counter, CounterFamily, type MetricFamily } from "../telemetry/index.ts";
import { type LimitName, limitLabel } from "./limits.ts";

/** The doors of a proxy, as the `listener` label names them. */
export type Door = "outbound" | "inbound" | "plaintext" | "gateway" | "dns";

export class ServeMetrics {
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
    "Requests given to another endpoint or connection because the one before did not process them.",
    ["reason"],
  );
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
  readonly #dns = new CounterFamily("weft_dns_queries_total", "DNS queries by what became of them.", [
    "outcome",
  ]);
  readonly #passed = new CounterFamily(
    "weft_passthrough_connections_total",
    "Connections to addresses that the mesh does not know, carried as they are.",
  );
  readonly #dropped = new CounterFamily(
    "weft_access_log_dropped_total",
    "Access-log lines dropped because the log could not be written fast enough.",
  );

  readonly families: readonly MetricFamily[] = [
    this.#accepted,
    this.#refused,
    this.#retries,
    this.#connectFailures,
    this.#limits,
    this.#dns,
    this.#passed,
    this.#dropped,
  ];

  readonly accessLogDropped: Counter = this.#dropped.of();
  /** A sender was paused: on the way of every large body, so it has a handle. */
  readonly bodiesPaused: Counter = this.#limits.of(limitLabel("maxBufferedBodyBytes"));

  readonly passedThrough: Counter = this.#passed.of();

  accepted(door: Door): void {
    this.#accepted.of(door).value++;
  }

  refused(door: Door, reason: ReasonCode): void {
    this.#refused.of(door, reason).value++;
  }

  retried(reason: ReasonCode): void {
    this.#retries.of(reason).value++;
  }

  connectFailed(reason: ReasonCode): void {
    this.#connectFailures.of(reason).value++;
  }

  limitReached(limit: LimitName): void {
    this.#limits.of(limitLabel(limit)).value++;
  }

  dns(outcome: "answered" | "forwarded" | "refused" | "failed" | "malformed"): void {
    this.#dns.of(outcome).value++;
  }
}
