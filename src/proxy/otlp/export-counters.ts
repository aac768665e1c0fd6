/** What became of what was to be told: by signal, and of what was dropped by the reason. */
import { CounterFamily, type MetricFamily } from "../telemetry/index.ts";
import type { SignalName } from "./signals.ts";

/**
 * - `queue_full`: it came faster than the collector takes it
 * - `too_large`: one item is larger than a request may be
 * - `refused`: the collector answered that it will never take the request
 * - `rejected`: the collector took the request, but not this item of it
 * - `retries_exhausted`: the request was sent as often as it may be
 * - `shutdown`: the proxy ended, or the collector was taken out of the configuration
 */
export type DropReason =
  | "queue_full"
  | "too_large"
  | "refused"
  | "rejected"
  | "retries_exhausted"
  | "shutdown";

export class ExportCounters {
  readonly #sent = new CounterFamily(
    "weft_telemetry_sent_total",
    "Spans, metrics and log records that a collector has taken.",
    ["signal"],
  );
  /** Of everything that is told; lines and reports are counted in it too. */
  readonly droppedFamily = new CounterFamily(
    "weft_telemetry_dropped_total",
    "Lines, spans, records and reports that were dropped, by what they were and why.",
    ["signal", "reason"],
  );
  readonly #retried = new CounterFamily(
    "weft_telemetry_retries_total",
    "Requests to collectors that failed and are sent again.",
    ["signal"],
  );

  readonly families: readonly MetricFamily[] = [this.#sent, this.droppedFamily, this.#retried];

  sent(signal: SignalName, count: number): void {
    this.#sent.of(signal).value += count;
  }

  dropped(signal: SignalName, reason: DropReason, count: number): void {
    if (count > 0) this.droppedFamily.of(signal, reason).value += count;
  }

  retried(signal: SignalName): void {
    this.#retried.of(signal).value++;
  }
}
