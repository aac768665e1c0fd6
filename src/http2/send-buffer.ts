/** Bytes of one stream that wait for a window or for the connection. */
import type { Transport } from "./transport.ts";

/** A view this small is copied: it may hold half a megabyte of received bytes alive. */
const smallBytes = 2048;

export class SendBuffer {
  #chunks: Uint8Array[] = [];
  #first = 0;
  #offset = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    const isPart = chunk.length < chunk.buffer.byteLength;
    this.#chunks.push(isPart && chunk.length <= smallBytes ? chunk.slice() : chunk);
    this.#bytes += chunk.length;
  }

  /** Hands over exactly `count` bytes, which must be there. Returns the transport's word on back-pressure. */
  writeTo(transport: Transport, count: number): boolean {
    let left = count;
    let isWritable = true;
    while (left > 0) {
      const chunk = this.#chunks[this.#first];
      if (chunk === undefined) break;
      const available = chunk.length - this.#offset;
      if (available > left) {
        isWritable = transport.write(chunk.subarray(this.#offset, this.#offset + left));
        this.#offset += left;
        left = 0;
      } else {
        isWritable = transport.write(this.#offset === 0 ? chunk : chunk.subarray(this.#offset));
        left -= available;
        this.#offset = 0;
        this.#dropFirst();
      }
    }
    // A failing transport may have closed the stream, and so emptied this, from inside `write`.
    this.#bytes = Math.max(0, this.#bytes - count);
    return isWritable;
  }

  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }

  #dropFirst(): void {
    this.#chunks[this.#first] = noBytes;
    this.#first++;
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    } else if (this.#first >= 64) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

const noBytes = new Uint8Array(0);
