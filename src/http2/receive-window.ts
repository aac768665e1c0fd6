/** One side of flow control: what the peer may still send, and what was consumed but not yet given back. */

export class ReceiveWindow {
  #available: number;
  readonly #slack: number;
  #consumed = 0;

  /** `slack`: what a peer that does not know of `size` yet may send beyond it. It goes on to owe it. */
  constructor(size: number, slack = 0) {
    this.#available = size;
    this.#slack = slack;
  }

  /** False: the peer sent more than it was allowed to. */
  receive(bytes: number): boolean {
    if (bytes > this.#available + this.#slack) return false;
    this.#available -= bytes;
    return true;
  }

  /**
   * Returns the increment to announce now, or 0 to wait for more: half of the window at once, so that one update serves
   * many frames, but less where some of it is held back and the peer would run dry before that.
   */
  consume(bytes: number): number {
    this.#consumed += bytes;
    if (this.#consumed < this.#available) return 0;
    const increment = this.#consumed;
    this.#consumed = 0;
    this.#available += increment;
    return increment;
  }
}
