/**
 * Lends slabs for the output of one event, so that an idle connection holds none. A slab is out only between the first
 * write of an event and its flush, hence few exist whatever the number of connections.
 */
import { ByteWriter } from "../kernel/index.ts";

/** A burst touches a handful of connections in one event; more free slabs than that would only sit there. */
const maxFreeSlabs = 16;
/** A slab that one large event grew beyond this is let go. */
const maxKeptBytes = 128 * 1024;
/** One TLS record: most events' output fits without growing. */
const slabBytes = 16 * 1024;

export class SlabPool {
  readonly #free: ByteWriter[];

  constructor() {
    this.#free = [];
  }

  take(): ByteWriter {
    return this.#free.pop() ?? new ByteWriter(slabBytes);
  }

  give(slab: ByteWriter): void {
    if (this.#free.length >= maxFreeSlabs || slab.bytes.length > maxKeptBytes) return;
    slab.clear();
    this.#free.push(slab);
  }
}
