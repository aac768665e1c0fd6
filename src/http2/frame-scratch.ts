/**
 * Where one frame is put together before it is handed to the connection, which copies it. Views of the same lengths come
 * again and again, so they are kept: making one costs more than copying what it shows (measured: 60 to 90 ns and 20).
 */
import { ByteWriter } from "../kernel/index.ts";

/** Most heads fit without growing; a larger one makes it grow to at most what a header list may have. */
const firstCapacity = 16 * 1024;
/** Control frames and nearly all heads. */
const maxKeptViewBytes = 1024;

export class FrameScratch extends ByteWriter {
  #views: (Uint8Array | undefined)[] = [];
  #viewed: Uint8Array | undefined = undefined;

  constructor() {
    super(firstCapacity);
  }

  /** What was written, without a new object where the length was seen before. Valid until the next write. */
  frame(): Uint8Array {
    const { bytes, length } = this;
    if (length > maxKeptViewBytes) return this.view();
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#views = Array<undefined>(maxKeptViewBytes + 1).fill(undefined);
    }
    return (this.#views[length] ??= this.view());
  }
}
