/** Sums over a span of time: of one series, or of several that were folded together. */
import { Histogram } from "../../kernel/index.ts";
import { isFailure, type Series } from "../series.ts";
import type { RollingWindow, Span } from "../window/rolling-window.ts";
import type { CellReading } from "../window/slot-encoding.ts";

export class Figures {
  count = 0;
  failures = 0;
  mutualTls = 0;
  requestBytes = 0;
  responseBytes = 0;
  readonly durations = new Histogram();

  add(series: Series, cell: CellReading): void {
    this.count += cell.count;
    if (isFailure(series)) this.failures += cell.count;
    if (series.isMutualTls) this.mutualTls += cell.count;
    this.requestBytes += cell.requestBytes;
    this.responseBytes += cell.responseBytes;
    cell.mergeInto(this.durations);
  }

  merge(other: Figures): void {
    this.count += other.count;
    this.failures += other.failures;
    this.mutualTls += other.mutualTls;
    this.requestBytes += other.requestBytes;
    this.responseBytes += other.responseBytes;
    this.durations.merge(other.durations);
  }

  /** From 0 to 1; 1 where there was nothing. */
  get successRate(): number {
    return this.count === 0 ? 1 : (this.count - this.failures) / this.count;
  }

  /** 0 where there was nothing. */
  quantileMs(q: number): number {
    return this.durations.quantileUs(q) / 1_000;
  }
}

export function sumSeries(
  window: RollingWindow<Series>,
  span: Span,
  isWanted: (series: Series) => boolean = () => true,
): Map<Series, Figures> {
  const sums = new Map<Series, Figures>();
  window.read(span, (series, cell) => {
    if (!isWanted(series)) return;
    const known = sums.get(series);
    const sum = known ?? new Figures();
    if (known === undefined) sums.set(series, sum);
    sum.add(series, cell);
  });
  return sums;
}

/**
 * What both sides reported counts once: between two ends the caller's report counts (it saw the failures that never
 * arrived), the callee's where the caller has none.
 */
export function withoutDoubles<T>(sums: Iterable<readonly [Series, T]>): (readonly [Series, T])[] {
  const all = [...sums];
  const reportedByCaller = new Set<string>();
  for (const [series] of all) if (series.direction === "outbound") reportedByCaller.add(pairKey(series));
  return all.filter(([series]) => series.direction === "outbound" || !reportedByCaller.has(pairKey(series)));
}

function pairKey(series: Series): string {
  return `${series.sourceWorkload} ${series.destinationWorkload}`;
}

/** Adds up what has the same key. */
export function foldBy<K>(
  sums: Iterable<readonly [Series, Figures]>,
  keyOf: (series: Series) => K,
): Map<K, Figures> {
  const folds = new Map<K, Figures>();
  for (const [series, figures] of sums) {
    const key = keyOf(series);
    const known = folds.get(key);
    const fold = known ?? new Figures();
    if (known === undefined) folds.set(key, fold);
    fold.merge(figures);
  }
  return folds;
}
