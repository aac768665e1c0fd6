/**
 * Length-prefixed messages out of DATA (gRPC's PROTOCOL-HTTP2.md). Bytes come in pieces of any size; each message is
 * handed over as bytes of its own. Memory follows what has arrived, never the length that a peer claims.
 */
import type { GrpcStatus } from "./status.ts";

/** More than any change that the control plane sends at once, little enough to hold per stream. */
const maxMessageBytes = 16 * 1024 * 1024;
export const messagePrefixBytes = 5;
const firstBufferBytes = 4096;

export class MessageReader {
  readonly #maxBytes: number;
  readonly #onMessage: (bytes: Uint8Array) => void;
  readonly #prefix = new Uint8Array(messagePrefixBytes);
  #prefixSeen = 0;
  #length = 0;
  #message: Uint8Array = new Uint8Array(0);
  #messageSeen = 0;
  #isStopped = false;

  constructor(onMessage: (bytes: Uint8Array) => void, maxBytes: number = maxMessageBytes) {
    this.#onMessage = onMessage;
    this.#maxBytes = maxBytes;
  }

  /** False: the stream ended inside a message. */
  get isBetweenMessages(): boolean {
    return this.#prefixSeen === 0;
  }

  /** Whatever comes later is dropped, also from inside `onMessage`. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Returns why nothing more can be read, where that is so. */
  push(chunk: Uint8Array): GrpcStatus | undefined {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) {
      if (this.#prefixSeen < messagePrefixBytes) {
        this.#prefix[this.#prefixSeen++] = chunk[at++] ?? 0;
        if (this.#prefixSeen < messagePrefixBytes) continue;
        const problem = this.#beginMessage();
        if (problem !== undefined) {
          this.#isStopped = true;
          return problem;
        }
      } else {
        const taken = Math.min(this.#length - this.#messageSeen, chunk.length - at);
        this.#reserve(this.#messageSeen + taken);
        this.#message.set(chunk.subarray(at, at + taken), this.#messageSeen);
        this.#messageSeen += taken;
        at += taken;
      }
      if (this.#messageSeen === this.#length) this.#endMessage();
    }
    return undefined;
  }

  #beginMessage(): GrpcStatus | undefined {
    const p = this.#prefix;
    if (p[0] !== 0) return { code: "unimplemented", message: "compressed messages are not supported" };
    this.#length = (p[1] ?? 0) * 0x100_0000 + (((p[2] ?? 0) << 16) | ((p[3] ?? 0) << 8) | (p[4] ?? 0));
    if (this.#length > this.#maxBytes) {
      return {
        code: "resource_exhausted",
        message: `a message of ${this.#length} bytes is larger than ${this.#maxBytes}`,
      };
    }
    this.#messageSeen = 0;
    return undefined;
  }

  #endMessage(): void {
    const isFull = this.#message.length === this.#length;
    const message = isFull ? this.#message : this.#message.subarray(0, this.#length);
    this.#message = new Uint8Array(0);
    this.#prefixSeen = 0;
    this.#length = 0;
    this.#messageSeen = 0;
    this.#onMessage(message);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#message.length) return;
    const size = Math.min(this.#length, Math.max(bytes, this.#message.length * 2, firstBufferBytes));
    const grown = new Uint8Array(size);
    grown.set(this.#message.subarray(0, this.#messageSeen));
    this.#message = grown;
  }
}
