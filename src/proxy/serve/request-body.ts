/**
 * The request's body on its way to an upstream, and the copy of its beginning that allows another try. Whoever is
 * connected gets bytes at once; what was received is remembered while it is little and no response has started.
 */
import type { Trailers } from "../http/index.ts";
import type { BodyCapture } from "../observation/index.ts";
import type { Counter } from "../telemetry/index.ts";
import type { UpstreamStream } from "../upstream/index.ts";
import type { ReplayMemory } from "./replay-memory.ts";

/** Where the body goes as it comes. */
export interface RequestSink {
  /** Somebody takes bytes. */
  readonly isOpen: boolean;
  /** False: it was taken, but stop. */
  writeBody(chunk: Uint8Array): boolean;
}

export interface BodyKeeping {
  /** Larger bodies are not worth the memory: a request that has sent more fails rather than being tried again. */
  readonly maxBytes: number;
  readonly memory: ReplayMemory;
  readonly paused: Counter;
}

export class RequestBody {
  byteLength = 0;
  /** The client has sent all of it. */
  isEnded = false;
  /** Everything received so far could be sent once more. */
  isReplayable = true;
  trailers: Trailers | undefined;
  /** Of both bodies of the exchange; undefined: nobody wants them. */
  captured: BodyCapture | undefined = undefined;
  readonly #memory: ReplayMemory;
  readonly #paused: Counter;
  #maxReplayBytes: number;
  #kept: Uint8Array[] | undefined;
  #keptBytes = 0;

  constructor({ maxBytes, memory, paused }: BodyKeeping) {
    this.#maxReplayBytes = maxBytes;
    this.#memory = memory;
    this.#paused = paused;
  }

  /** Other than at first, as the request's policy says. */
  set maxReplayBytes(bytes: number) {
    this.#maxReplayBytes = bytes;
  }

  /** False: stop reading from the client. While nobody takes bytes it always is: the chunk waits for somebody. */
  push(chunk: Uint8Array, sink: RequestSink): boolean {
    this.byteLength += chunk.length;
    this.captured?.onRequest(chunk);
    if (!sink.isOpen) {
      this.#memory.force(chunk.length);
      this.#keep(chunk);
      return false;
    }
    if (this.isReplayable && this.#mayKeep(chunk.length)) this.#keep(chunk);
    else this.forget();
    const hasRoom = sink.writeBody(chunk);
    if (!hasRoom) this.#paused.value++;
    return hasRoom;
  }

  /** Everything received so far, to a fresh upstream. False: it took it, but stop reading from the client. */
  sendKept(upstream: UpstreamStream): boolean {
    let hasRoom = true;
    if (this.#kept !== undefined) {
      for (const chunk of this.#kept) hasRoom = upstream.writeBody(chunk);
      if (this.#keptBytes > this.#maxReplayBytes) this.forget();
    }
    return hasRoom;
  }

  /** All that was received, while nobody took any of it. */
  kept(): Uint8Array {
    const [first, ...more] = this.#kept ?? [];
    if (first === undefined) return new Uint8Array(0);
    return more.length === 0 ? first : Buffer.concat([first, ...more]);
  }

  /** No other try will be made. */
  forget(): void {
    this.isReplayable = false;
    this.#kept = undefined;
    if (this.#keptBytes === 0) return;
    this.#memory.give(this.#keptBytes);
    this.#keptBytes = 0;
  }

  #mayKeep(bytes: number): boolean {
    return this.#keptBytes + bytes <= this.#maxReplayBytes && this.#memory.take(bytes);
  }

  #keep(chunk: Uint8Array): void {
    this.#kept ??= [];
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
  }
}
