/** Everything that was reported since the control plane started, by series: counters that only grow, as scrapers want them. */
import { overflowSeries, type Series, seriesKey } from "./series.ts";

export interface SeriesTotal {
  readonly series: Series;
  count: number;
  durationUs: number;
}

/** A mesh of 500 services with 5 callers each, seen from both sides and in 3 response classes, has 15,000: about 10 MB. */
const defaultMaxSeries = 20_000;

export class Totals {
  readonly #maxSeries: number;
  readonly #totals = new Map<string, SeriesTotal>();

  constructor(maxSeries = defaultMaxSeries) {
    this.#maxSeries = maxSeries;
  }

  values(): Iterable<SeriesTotal> {
    return this.#totals.values();
  }

  /** Where a series is counted. Beyond the bound everything is counted together, so that sums stay right. */
  of(series: Series): SeriesTotal {
    const key = seriesKey(series);
    const known = this.#totals.get(key);
    if (known !== undefined) return known;
    if (this.#totals.size < this.#maxSeries) return this.#create(key, series);
    const overflow = overflowSeries(series);
    const overflowKey = seriesKey(overflow);
    return this.#totals.get(overflowKey) ?? this.#create(overflowKey, overflow);
  }

  #create(key: string, series: Series): SeriesTotal {
    const total: SeriesTotal = { series, count: 0, durationUs: 0 };
    this.#totals.set(key, total);
    return total;
  }
}
