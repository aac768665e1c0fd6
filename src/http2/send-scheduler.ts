/**
 * Whose turn it is to send: streams with data take turns, one frame each, while the connection's window is open and the
 * connection takes bytes. A stream that finds nobody waiting sends at once (`allowance`) and never gets in line.
 */
import { defaultWindowBytes, largestWindowBytes } from "./frame.ts";

/** A stream that waits for its turn. */
export interface Sender {
  /** Has data and a window to send it in. */
  readonly isSendable: boolean;
  /** One DATA frame of at most `maxBytes`. Returns what it took of the connection's window. */
  sendFrame(maxBytes: number): number;
}

export class SendScheduler {
  #windowBytes: number = defaultWindowBytes;
  #isBlocked = false;
  #isPumping = false;
  /** In the order of their turns. Only streams that have data and an open window of their own. */
  readonly #ready = new Set<Sender>();

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** The connection said that it wants no more for now. */
  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#pump();
  }

  /** False: the window would exceed what the protocol allows. */
  widen(increment: number): boolean {
    if (this.#windowBytes + increment > largestWindowBytes) return false;
    this.#windowBytes += increment;
    this.#pump();
    return true;
  }

  /** How much may be sent now without taking anybody's turn; what is sent must be told by `spent`. */
  get allowance(): number {
    return this.#isBlocked || this.#isPumping || this.#ready.size > 0 ? 0 : this.#windowBytes;
  }

  spent(bytes: number): void {
    this.#windowBytes -= bytes;
  }

  schedule(stream: Sender): void {
    this.#ready.add(stream);
    this.#pump();
  }

  remove(stream: Sender): void {
    if (this.#ready.size > 0) this.#ready.delete(stream);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isBlocked && this.#windowBytes > 0) {
      const stream = this.#takeNext();
      if (stream === undefined) break;
      this.#windowBytes -= stream.sendFrame(this.#windowBytes);
      if (stream.isSendable) this.#ready.add(stream);
    }
    this.#isPumping = false;
  }

  #takeNext(): Sender | undefined {
    for (const stream of this.#ready) {
      this.#ready.delete(stream);
      return stream;
    }
    return undefined;
  }
}
