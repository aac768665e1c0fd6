/**
 * Whose turn it is to send: streams with data take turns, one frame each, while the connection's window is open and the
 * connection takes bytes.
 */
import { defaultWindowBytes, largestWindowBytes } from "./frame.ts";
import type { SessionStream } from "./session-stream.ts";

export class SendScheduler {
  #windowBytes: number = defaultWindowBytes;
  #isBlocked = false;
  #isPumping = false;
  /** In the order of their turns. Only streams that have data and an open window of their own. */
  readonly #ready = new Set<SessionStream>();

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

  schedule(stream: SessionStream): void {
    this.#ready.add(stream);
    this.#pump();
  }

  remove(stream: SessionStream): void {
    this.#ready.delete(stream);
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

  #takeNext(): SessionStream | undefined {
    for (const stream of this.#ready) {
      this.#ready.delete(stream);
      return stream;
    }
    return undefined;
  }
}
