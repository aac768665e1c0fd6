/** Which endpoints which proxy leaves out at the moment. A proxy's list replaces the one before. */
import type { Clock } from "../kernel/index.ts";
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";
import type { ReportReader } from "./report-reader.ts";

export interface Ejection {
  /** Who leaves it out. */
  readonly proxy: string;
  /** "namespace/service:port" */
  readonly cluster: string;
  /** "namespace/name"; empty: an external one. */
  readonly workload: string;
  readonly address: string;
  readonly reason: string;
  readonly untilMs: number;
}

const maxProxies = 20_000;
/** Of one proxy; more than half of a service's endpoints are never left out. */
const maxPerProxy = 100;
const maxKept = 20_000;
const maxTextLength = 320;
/** A proxy that does not report for so long is gone, whatever it said. */
const keptMs = 120_000;

export class Ejections implements ReportReader {
  readonly #clock: Clock;
  readonly #lists = new Map<string, { readonly lastMs: number; readonly items: readonly Ejection[] }>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(report: TelemetryReport, reporter: string): void {
    const { proxy, hasEjected, ejected } = report;
    const known = this.#lists.get(proxy);
    if ((!hasEjected && known === undefined) || !speaksFor(reporter, proxy)) return;
    this.#forget(proxy);
    const items = hasEjected ? ejected.slice(0, maxPerProxy).map((each) => read(proxy, each)) : known?.items;
    if (items === undefined || items.length === 0) return;
    this.#lists.set(proxy, { lastMs: this.#clock.nowMs(), items });
    this.#count += items.length;
    for (const name of this.#lists.keys()) {
      if (this.#count <= maxKept && this.#lists.size <= maxProxies) break;
      this.#forget(name);
    }
  }

  list(): readonly Ejection[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#lists.values()]
      .filter(({ lastMs }) => lastMs >= nowMs - keptMs)
      .flatMap(({ items }) => items)
      .filter(({ untilMs }) => untilMs === 0 || untilMs > nowMs - keptMs);
  }

  #forget(proxy: string): void {
    this.#count -= this.#lists.get(proxy)?.items.length ?? 0;
    this.#lists.delete(proxy);
  }
}

function read(proxy: string, ejected: TelemetryReport["ejected"][number]): Ejection {
  const cut = (text: string): string => text.slice(0, maxTextLength);
  return {
    proxy,
    cluster: cut(ejected.cluster),
    workload: cut(ejected.workload),
    address: cut(ejected.address),
    reason: cut(ejected.reason),
    untilMs: Math.max(0, Math.min(Number(ejected.untilUnixMs), Number.MAX_SAFE_INTEGER)),
  };
}
