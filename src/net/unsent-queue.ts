/**
 * Bytes that the kernel did not take yet, in order: in blocks of their own memory, so that a caller may reuse what it wrote
 * from and many small writes do not become many small system calls, or as they are where the caller gave them away.
 */

/** Room that the kernel frees at once is usually more than this; smaller blocks only mean more calls. */
const blockBytes = 64 * 1024;

/** The part of a socket that sends: how many of the bytes were taken, negative when the socket is gone. */
export interface ByteTaker {
  write(bytes: Uint8Array<ArrayBuffer>, from: number, count: number): number;
}

export class UnsentQueue {
  length: number;
  readonly #blocks: Uint8Array<ArrayBuffer>[];
  /** Where the first block's unsent bytes start, and where the last block's end. */
  #start: number;
  #end: number;

  constructor() {
    this.length = 0;
    this.#blocks = [];
    this.#start = 0;
    this.#end = 0;
  }

  /** Copies `bytes[from, to)`. */
  append(bytes: Uint8Array, from: number, to: number): void {
    this.length += to - from;
    let at = from;
    while (at < to) {
      let last = this.#blocks.at(-1);
      if (last === undefined || this.#end === last.length) {
        // Not zeroed: only what was written is ever read.
        last = Buffer.allocUnsafeSlow(Math.max(blockBytes, to - at));
        this.#blocks.push(last);
        this.#end = 0;
      }
      const count = Math.min(to - at, last.length - this.#end);
      last.set(bytes.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
    }
  }

  /** Keeps the view itself, and with it the whole memory behind it. */
  adopt(bytes: Uint8Array<ArrayBuffer>): void {
    const last = this.#blocks.at(-1);
    if (last !== undefined) this.#blocks[this.#blocks.length - 1] = last.subarray(0, this.#end);
    this.#blocks.push(bytes);
    this.#end = bytes.length;
    this.length += bytes.length;
  }

  /** Gives `taker` block after block until it takes less than it was given. Returns how many bytes went. */
  drainInto(taker: ByteTaker): number {
    const before = this.length;
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      const end = this.#blocks.length === 1 ? this.#end : block.length;
      const count = end - this.#start;
      const taken = taker.write(block, this.#start, count);
      if (taken > 0) {
        this.length -= taken;
        this.#start += taken;
      }
      if (taken < count) break;
      this.#blocks.shift();
      this.#start = 0;
    }
    return before - this.length;
  }

  clear(): void {
    this.#blocks.length = 0;
    this.length = 0;
    this.#start = 0;
    this.#end = 0;
  }
}
