/** Which proxies reported lately and how full their tables are; from their number follows how often each shall report. */
import type { Clock } from "../kernel/index.ts";
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";
import type { ReportReader } from "./report-reader.ts";

export interface Reporter {
  /** "namespace/name" of its workload or gateway. */
  readonly proxy: string;
  readonly lastMs: number;
  readonly series: number;
  /** 0: not told. */
  readonly maxSeries: number;
  /** Label sets that did not fit its own table, since the control plane knows it. */
  readonly droppedSeries: number;
}

/** As many as a mesh may have; each costs some hundred bytes. */
const maxKept = 20_000;
/** Who was quiet for so long has nothing to report, or is gone. */
const keptMs = 120_000;
const minIntervalMs = 5_000;
const maxIntervalMs = 30_000;
/** Reports in a second that cost the control plane less than a quarter of a core (bench/telemetry). */
const reportsPerSecond = 300;

export class Reporters implements ReportReader {
  readonly #clock: Clock;
  /** Who reported last is last. */
  readonly #known = new Map<string, Reporter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(report: TelemetryReport, reporter: string): void {
    const { proxy, series, maxSeries } = report;
    if (!speaksFor(reporter, proxy)) return;
    const known = this.#known.get(proxy);
    this.#known.delete(proxy);
    const droppedSeries = (known?.droppedSeries ?? 0) + Math.min(Number(report.droppedSeries), 2 ** 32);
    this.#known.set(proxy, { proxy, lastMs: this.#clock.nowMs(), series, maxSeries, droppedSeries });
    const oldestMs = this.#clock.nowMs() - keptMs;
    for (const [name, { lastMs }] of this.#known) {
      if (lastMs >= oldestMs && this.#known.size <= maxKept) break;
      this.#known.delete(name);
    }
  }

  /** Those that were heard of in the last two minutes. */
  list(): readonly Reporter[] {
    const oldestMs = this.#clock.nowMs() - keptMs;
    return [...this.#known.values()].filter(({ lastMs }) => lastMs >= oldestMs);
  }

  /** How long a proxy shall wait before its next report. */
  get intervalMs(): number {
    const shared = Math.ceil((this.#known.size / reportsPerSecond) * 10) * 100;
    return Math.min(Math.max(shared, minIntervalMs), maxIntervalMs);
  }
}
