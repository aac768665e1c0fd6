/**
 * Durations in log-linear buckets: 16 to an octave of microseconds, so a quantile is off by at most 6.3 %
 * (a bucket's width of 1/16): 3.2 % where a bucket stands alone, and mostly far less. Recording is two shifts and one increment; two histograms merge by addition.
 */

const subBuckets = 16;
const octaves = 27; // up to 134 s; longer ones land in the last bucket
export const bucketCount = subBuckets * octaves;

/** The bucket of a duration in whole microseconds. Values under 16 have a bucket each. */
export function bucketOf(us: number): number {
  const value = us < 1 ? 0 : us | 0;
  if (us >= 0x7fffffff) return bucketCount - 1;
  if (value < subBuckets) return value;
  const exponent = 31 - Math.clz32(value); // at least 4
  const index = (exponent - 3) * subBuckets + ((value >> (exponent - 4)) & 15);
  return index < bucketCount ? index : bucketCount - 1;
}

/** The first duration that is above the bucket, in microseconds. */
export function bucketUpperUs(index: number): number {
  if (index < subBuckets) return index + 1;
  const exponent = Math.floor(index / subBuckets) + 3;
  return (subBuckets + (index % subBuckets) + 1) * 2 ** (exponent - 4);
}

function bucketLowerUs(index: number): number {
  return index === 0 ? 0 : bucketUpperUs(index - 1);
}

const none = new Uint32Array(0);

/** Holds counts from the lowest to the highest octave that was seen: mostly two or three of the 27. */
export class Histogram {
  count = 0;
  sumUs = 0;
  /** Of the buckets from `#first` on; a multiple of `subBuckets` long. */
  #counts = none;
  #first = 0;

  record(us: number): void {
    this.#add(bucketOf(us), 1);
    this.count++;
    this.sumUs += us;
  }

  add(index: number, count: number): void {
    if (index < 0 || index >= bucketCount) return;
    this.#add(index, count);
    this.count += count;
  }

  merge(other: Histogram): void {
    const counts = other.#counts;
    if (counts.length > 0) {
      this.#widen(other.#first);
      this.#widen(other.#first + counts.length - 1);
      const offset = other.#first - this.#first;
      for (let i = 0; i < counts.length; i++) {
        const count = counts[i] ?? 0;
        if (count > 0) this.#counts[offset + i] = (this.#counts[offset + i] ?? 0) + count;
      }
    }
    this.count += other.count;
    this.sumUs += other.sumUs;
  }

  /** Index and count of those that are not empty, in rising order. */
  *buckets(): Generator<readonly [index: number, count: number]> {
    for (let i = 0; i < this.#counts.length; i++) {
      const count = this.#counts[i] ?? 0;
      if (count > 0) yield [this.#first + i, count];
    }
  }

  /**
   * The q-quantile in microseconds; 0 when nothing was recorded. Inside its bucket it lies by its rank as far as the buckets beside it are
   * as full, which is exact for durations that are spread; of a bucket that stands alone it is the middle.
   */
  quantileUs(q: number): number {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let below = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      const count = this.#counts[i] ?? 0;
      if (below + count >= rank) return this.#within(i, (rank - below - 0.5) / count);
      below += count;
    }
    return bucketUpperUs(bucketCount - 1);
  }

  clear(): void {
    this.#counts.fill(0);
    this.count = 0;
    this.sumUs = 0;
  }

  /** `position`: from 0 to 1, if the bucket at `i` were evenly full. */
  #within(i: number, position: number): number {
    const [lower, upper] = [bucketLowerUs(this.#first + i), bucketUpperUs(this.#first + i)];
    const beside = Math.min(this.#counts[i - 1] ?? 0, this.#counts[i + 1] ?? 0);
    const evenness = Math.min(1, beside / (this.#counts[i] ?? 1));
    return lower + (upper - lower) * (0.5 + (position - 0.5) * evenness);
  }

  #add(index: number, count: number): void {
    let at = index - this.#first;
    if (at < 0 || at >= this.#counts.length) {
      this.#widen(index);
      at = index - this.#first;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  #widen(index: number): void {
    const at = index - this.#first;
    if (at >= 0 && at < this.#counts.length) return;
    const octave = index - (index % subBuckets);
    const isEmpty = this.#counts.length === 0;
    const first = isEmpty ? octave : Math.min(this.#first, octave);
    const end = Math.max(isEmpty ? 0 : this.#first + this.#counts.length, octave + subBuckets);
    const counts = new Uint32Array(end - first);
    counts.set(this.#counts, isEmpty ? 0 : this.#first - first);
    this.#counts = counts;
    this.#first = first;
  }
}
