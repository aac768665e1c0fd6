/**
 * The streams that closed last, and how. Frames that were under way when we reset a stream are ignored; frames on a
 * stream that the peer itself had ended are its fault. A ring that grows to its bound with the streams that close, since a
 * connection may carry one stream for days; older streams count as ended.
 */

const firstRingLength = 16;
const maxRingLength = 256; // more than the streams that a peer may have open, so a burst of resets is remembered whole

export class ClosedStreams {
  /** Negative: it was reset. Undefined before the first stream has closed. */
  #ids: Int32Array | undefined = undefined;
  #next = 0;

  add(streamId: number, wasReset: boolean): void {
    const ids = this.#withRoom();
    ids[this.#next % ids.length] = wasReset ? -streamId : streamId;
    this.#next++;
    if (this.#next >= 2 * maxRingLength) this.#next -= maxRingLength;
  }

  /** Scans: only frames that come too late get here. */
  stateOf(streamId: number): "reset" | "ended" | "unknown" {
    for (const id of this.#ids ?? []) {
      if (id === streamId) return "ended";
      if (id === -streamId) return "reset";
    }
    return "unknown";
  }

  #withRoom(): Int32Array {
    const ids = this.#ids;
    if (ids === undefined) return (this.#ids = new Int32Array(firstRingLength));
    if (this.#next < ids.length || ids.length === maxRingLength) return ids;
    const grown = new Int32Array(ids.length * 2);
    grown.set(ids);
    this.#ids = grown;
    return grown;
  }
}
