/**
 * How long one stream of an HTTP/2 connection has moved nothing for its client's sake: a request's body that does not come,
 * or a response that the client gives no window for. The connection itself lives on and shows neither.
 */

export interface Stalled {
  readonly side: "request" | "response";
  readonly sinceMs: number;
}

export class StreamStall {
  #isRequestEnded: boolean;
  /** Any byte, in either direction. */
  #movedMs: number;
  #writtenBytes = 0;
  /** What had left for the client when it was looked at last. */
  #sentBytes = 0;

  constructor(nowMs: number, isRequestEnded: boolean) {
    this.#movedMs = nowMs;
    this.#isRequestEnded = isRequestEnded;
  }

  moved(nowMs: number): void {
    this.#movedMs = nowMs;
  }

  requestEnded(): void {
    this.#isRequestEnded = true;
  }

  /** Of the response. Whether it moves is seen when somebody looks. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes;
  }

  /**
   * Every second. `queuedBytes`: of what was written, still here. `waitsForBody`: nobody but the client holds its request up.
   * Undefined: the client owes nothing.
   */
  look(nowMs: number, queuedBytes: number, waitsForBody: boolean): Stalled | undefined {
    const sentBytes = this.#writtenBytes - queuedBytes;
    if (sentBytes !== this.#sentBytes) {
      this.#sentBytes = sentBytes;
      this.#movedMs = nowMs;
    }
    if (queuedBytes > 0) return { side: "response", sinceMs: this.#movedMs };
    if (waitsForBody && !this.#isRequestEnded) return { side: "request", sinceMs: this.#movedMs };
    this.#movedMs = nowMs;
    return undefined;
  }
}
