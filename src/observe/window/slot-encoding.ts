/**
 * A closed slot as bytes: one column for each figure, since like figures side by side compress to a third of what they
 * take in rows. Histograms are sparse: of each cell the distances between its buckets, and their counts.
 *
 *   version, coarseness, cells, lengths of the columns; ids (distances), counts, request bytes, response bytes, sums, buckets of each
 *   cell, distances of buckets, counts of buckets. All are varints.
 */
import { bucketCount, type Histogram } from "../../kernel/index.ts";
import type { SlotCell } from "./slot-cell.ts";
import { VarintReader, VarintWriter } from "./varints.ts";

/** Another number is another layout: what was written in it is not read. */
const encodingVersion = 1;
const columnCount = 8;

/** One cell of a closed slot, or of the open one. Valid during the call that it is given to only. */
export interface CellReading {
  readonly count: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly sumUs: number;
  /** Adds the durations. At most once for each cell. */
  mergeInto(histogram: Histogram): void;
}

/** Half the buckets of a histogram, a quarter, an eighth: how much of a duration's precision may go where there is no room. */
export const maxCoarseness = 3;

/**
 * `cells`: in rising order of their ids. `coarseness`: 2 to the power of it buckets are kept as one; a quantile is off by at
 * most 3.2 % times as much.
 */
export function encodeSlot(
  cells: Iterable<readonly [id: number, cell: SlotCell]>,
  coarseness = 0,
): Uint8Array {
  const columns = Array.from({ length: columnCount }, () => new VarintWriter());
  const [ids, counts, requests, responses, sums, widths, distances, amounts] = columns;
  let previousId = 0;
  let cellCount = 0;
  for (const [id, cell] of cells) {
    ids?.write(id - previousId);
    previousId = id;
    cellCount++;
    counts?.write(cell.count);
    requests?.write(cell.requestBytes);
    responses?.write(cell.responseBytes);
    sums?.write(Math.round(cell.durations.sumUs));
    let width = 0;
    let previousBucket = 0;
    let pending = 0;
    for (const [bucket, amount] of cell.durations.buckets()) {
      const coarse = bucket >> coarseness;
      if (pending > 0 && coarse === previousBucket) {
        pending += amount;
        continue;
      }
      if (pending > 0) amounts?.write(pending);
      distances?.write(coarse - previousBucket);
      previousBucket = coarse;
      pending = amount;
      width++;
    }
    if (pending > 0) amounts?.write(pending);
    widths?.write(width);
  }
  const all = new VarintWriter();
  all.write(encodingVersion);
  all.write(coarseness);
  all.write(cellCount);
  for (const column of columns) all.write(column.length);
  for (const column of columns) all.append(column.view());
  return all.view().slice();
}

/** Throws RangeError where the bytes are no slot: they are read from a disk. */
export function decodeSlot(bytes: Uint8Array, visit: (id: number, cell: CellReading) => void): void {
  const head = new VarintReader(bytes);
  if (head.read() !== encodingVersion) throw new RangeError("a slot of another version");
  const coarseness = head.read();
  if (coarseness > maxCoarseness) throw new RangeError("a slot without durations");
  const cellCount = head.read();
  const lengths = Array.from({ length: columnCount }, () => head.read());
  let at = head.at;
  const columns = lengths.map((length) => {
    const column = new VarintReader(bytes, at, Math.min(at + length, bytes.length));
    at += length;
    return column;
  });
  if (at > bytes.length) throw new RangeError("a slot that was cut");
  const cell = new StoredCell(columns, coarseness);
  let id = 0;
  for (let i = 0; i < cellCount; i++) {
    id += cell.next();
    visit(id, cell);
    cell.finish();
  }
}

class StoredCell implements CellReading {
  count = 0;
  requestBytes = 0;
  responseBytes = 0;
  sumUs = 0;
  readonly #columns: readonly VarintReader[];
  readonly #coarseness: number;
  /** Buckets of this cell that were not read yet. */
  #width = 0;

  constructor(columns: readonly VarintReader[], coarseness: number) {
    this.#columns = columns;
    this.#coarseness = coarseness;
  }

  /** Returns the distance to the next cell's id. */
  next(): number {
    const [ids, counts, requests, responses, sums, widths] = this.#columns;
    this.count = counts?.read() ?? 0;
    this.requestBytes = requests?.read() ?? 0;
    this.responseBytes = responses?.read() ?? 0;
    this.sumUs = sums?.read() ?? 0;
    this.#width = widths?.read() ?? 0;
    if (this.#width > bucketCount) throw new RangeError("more buckets than a histogram has");
    return ids?.read() ?? 0;
  }

  mergeInto(histogram: Histogram): void {
    const [distances, amounts] = [this.#columns[6], this.#columns[7]];
    let bucket = 0;
    for (; this.#width > 0; this.#width--) {
      bucket += distances?.read() ?? 0;
      const amount = amounts?.read() ?? 0;
      if (this.#coarseness === 0) histogram.add(bucket, amount);
      else this.#spread(histogram, bucket, amount);
    }
    histogram.sumUs += this.sumUs;
  }

  /** Evenly over the buckets that were kept as one, the remainder in the middle. */
  #spread(histogram: Histogram, coarse: number, amount: number): void {
    const buckets = 1 << this.#coarseness;
    const first = coarse * buckets;
    const each = Math.floor(amount / buckets);
    if (each > 0) for (let i = 0; i < buckets; i++) histogram.add(first + i, each);
    const rest = amount - each * buckets;
    if (rest > 0) histogram.add(first + buckets / 2, rest);
  }

  finish(): void {
    this.#columns[6]?.skip(this.#width);
    this.#columns[7]?.skip(this.#width);
    this.#width = 0;
  }
}
