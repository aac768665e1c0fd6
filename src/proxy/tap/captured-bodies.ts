/** The beginnings of bodies under way, of all tapped exchanges together: bounded, since nobody knows how long an exchange takes. */
import type { BodyCapture, BodyCaptures } from "../observation/index.ts";

/** Of all exchanges under way; those beyond are told without bodies. */
const maxKeptBytes = 4_194_304;

const nothing = new Uint8Array(0);

export class CaptureMemory implements BodyCaptures {
  /** Of each direction of an exchange; 0: no bodies are wanted. */
  maxBodyBytes = 0;
  #usedBytes = 0;

  begin(): BodyCapture | undefined {
    return this.maxBodyBytes === 0 ? undefined : new CapturedBodies(this, this.maxBodyBytes);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** How many of these may be kept. */
  take(bytes: number): number {
    const taken = Math.min(bytes, maxKeptBytes - this.#usedBytes);
    this.#usedBytes += taken;
    return taken;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

export class CapturedBodies implements BodyCapture {
  readonly #memory: CaptureMemory;
  readonly #request: BodyStart;
  readonly #response: BodyStart;

  constructor(memory: CaptureMemory, maxBytes: number) {
    this.#memory = memory;
    this.#request = new BodyStart(memory, maxBytes);
    this.#response = new BodyStart(memory, maxBytes);
  }

  onRequest(chunk: Uint8Array): void {
    this.#request.push(chunk);
  }

  onResponse(chunk: Uint8Array): void {
    this.#response.push(chunk);
  }

  get request(): Uint8Array {
    return this.#request.bytes();
  }

  get response(): Uint8Array {
    return this.#response.bytes();
  }

  /** The exchange has ended. Called once. */
  release(): void {
    this.#memory.give(this.#request.length + this.#response.length);
  }
}

class BodyStart {
  readonly #memory: CaptureMemory;
  readonly #maxBytes: number;
  #chunks: Uint8Array[] | undefined = undefined;
  #isFull = false;
  length = 0;

  constructor(memory: CaptureMemory, maxBytes: number) {
    this.#memory = memory;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#isFull) return;
    const wanted = Math.min(chunk.length, this.#maxBytes - this.length);
    const taken = this.#memory.take(wanted);
    // Never with a hole: what is told is a beginning.
    this.#isFull = taken < chunk.length;
    if (taken === 0) return;
    this.#chunks ??= [];
    this.#chunks.push(Uint8Array.prototype.slice.call(chunk, 0, taken));
    this.length += taken;
  }

  bytes(): Uint8Array {
    const [first, ...more] = this.#chunks ?? [];
    if (first === undefined) return nothing;
    return more.length === 0 ? first : Buffer.concat([first, ...more]);
  }
}
