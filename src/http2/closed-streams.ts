/**
 * The streams that closed last, and how. Frames that were under way when we reset a stream are ignored; frames on a
 * stream that the peer itself had ended are its fault. A ring without allocation; older streams count as ended.
 */

const ringLength = 256; // more than the streams that a peer may have open, so a burst of resets is remembered whole

export class ClosedStreams {
  readonly #ids = new Int32Array(ringLength);
  readonly #wasReset = new Uint8Array(ringLength);
  #next = 0;

  add(streamId: number, wasReset: boolean): void {
    this.#ids[this.#next] = streamId;
    this.#wasReset[this.#next] = wasReset ? 1 : 0;
    this.#next = (this.#next + 1) % ringLength;
  }

  /** Scans: only frames that come too late get here. */
  stateOf(streamId: number): "reset" | "ended" | "unknown" {
    for (let i = 0; i < ringLength; i++) {
      if (this.#ids[i] === streamId) return this.#wasReset[i] === 1 ? "reset" : "ended";
    }
    return "unknown";
  }
}
