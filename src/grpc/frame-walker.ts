/**
 * Follows the frames of a gRPC body that passes by, without keeping any of it: a byte of flags, four of length, as many of
 * message. Refuses flags that neither message nor compression has, such as gRPC-Web's own for trailers.
 */

const prefixBytes = 5;
const maxMessageFlags = 1;

export class FrameWalker {
  #prefixSeen = 0;
  /** Of the message behind a whole prefix; the claimed length costs nothing here. */
  #left = 0;

  /** False: the body ended inside a frame. */
  get isBetweenFrames(): boolean {
    return this.#prefixSeen === 0;
  }

  /**
   * Goes on in `bytes` at `from` up to the end of the frame or of the bytes, and returns where that is. -1: these are no
   * messages; do not go on.
   */
  walk(bytes: Uint8Array, from: number): number {
    let at = from;
    while (this.#prefixSeen < prefixBytes) {
      if (at === bytes.length) return at;
      const byte = bytes[at++] ?? 0;
      if (this.#prefixSeen++ === 0) {
        if (byte > maxMessageFlags) return -1;
      } else this.#left = this.#left * 256 + byte;
    }
    const taken = Math.min(this.#left, bytes.length - at);
    this.#left -= taken;
    if (this.#left === 0) this.#prefixSeen = 0;
    return at + taken;
  }

  /** All of `bytes`. False: these are no messages. */
  walkAll(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      at = this.walk(bytes, at);
      if (at < 0) return false;
    }
    return true;
  }
}
