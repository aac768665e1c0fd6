/** A slot as it is kept: its encoding, compressed within a bound; and the open one as if it were closed. */
import { SlotCell } from "./slot-cell.ts";
import { type CellReading, encodeSlot, maxCoarseness } from "./slot-encoding.ts";

/** Beyond `maxBytes` durations are kept in coarser buckets, as far as that helps. `cells` in rising order of their ids. */
export function compressSlot(
  cells: readonly (readonly [id: number, cell: SlotCell])[],
  maxBytes: number,
): Uint8Array {
  let content = Bun.zstdCompressSync(encodeSlot(cells));
  for (let coarseness = 1; content.length > maxBytes && coarseness <= maxCoarseness; coarseness++) {
    content = Bun.zstdCompressSync(encodeSlot(cells, coarseness));
  }
  return content;
}

/** Valid until `of` is called again. */
export class OpenReading implements CellReading {
  #cell = new SlotCell();

  of(cell: SlotCell): this {
    this.#cell = cell;
    return this;
  }

  get count(): number {
    return this.#cell.count;
  }

  get requestBytes(): number {
    return this.#cell.requestBytes;
  }

  get responseBytes(): number {
    return this.#cell.responseBytes;
  }

  get sumUs(): number {
    return this.#cell.durations.sumUs;
  }

  mergeInto(histogram: Parameters<CellReading["mergeInto"]>[0]): void {
    histogram.merge(this.#cell.durations);
  }
}
