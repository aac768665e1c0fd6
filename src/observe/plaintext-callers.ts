/** Who came in plaintext to which workload's port, as proxies report it. */
import type { Clock } from "../kernel/index.ts";
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";

export interface PlaintextCallerTotal {
  /** "namespace/name" of the workload that was called. */
  readonly workload: string;
  readonly port: number;
  /** Canonical text; empty: those that a proxy did not tell apart. */
  readonly address: string;
  connections: number;
  lastMs: number;
}

/** What does not fit takes the place of the one that was not seen for longest. */
const maxKept = 5_000;
const maxPerReport = 4_000;
/** Who did not come for so long comes encrypted by now, or not any more: programs that call once a week are still in. */
const keptMs = 8 * 86_400_000;
/** Longest text of an IPv6 address with a zone. */
const maxAddressLength = 64;

export class PlaintextCallers {
  readonly #clock: Clock;
  readonly #max: number;
  /** In the order in which they were seen last. */
  readonly #totals = new Map<string, PlaintextCallerTotal>();

  constructor(clock: Clock, max = maxKept) {
    this.#clock = clock;
    this.#max = max;
  }

  add(report: TelemetryReport, reporter: string): void {
    if (!speaksFor(reporter, report.proxy)) return;
    for (const { address, port, count } of report.plaintextCallers.slice(0, maxPerReport)) {
      if (address.length > maxAddressLength || port > 65_535) continue;
      const key = `${report.proxy} ${port} ${address}`;
      const known = this.#totals.get(key);
      const total = known ?? { workload: report.proxy, port, address, connections: 0, lastMs: 0 };
      total.connections = Math.min(Number.MAX_SAFE_INTEGER, total.connections + Number(count));
      total.lastMs = this.#clock.nowMs();
      this.#totals.delete(key);
      this.#totals.set(key, total);
    }
    for (const key of this.#totals.keys()) {
      if (this.#totals.size <= this.#max) break;
      this.#totals.delete(key);
    }
  }

  /** The one seen last comes first. */
  list(): readonly PlaintextCallerTotal[] {
    const sinceMs = this.#clock.nowMs() - keptMs;
    return [...this.#totals.values()].filter(({ lastMs }) => lastMs >= sinceMs).toReversed();
  }
}
