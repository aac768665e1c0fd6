/** A header block that comes in several frames: HEADERS, then CONTINUATION. Who appends has checked the limits. */

export class HeaderBlock {
  readonly streamId: number;
  readonly isEndOfStream: boolean;
  bytes: Uint8Array;
  length: number;
  continuations = 0;

  constructor(streamId: number, isEndOfStream: boolean, fragment: Uint8Array) {
    this.streamId = streamId;
    this.isEndOfStream = isEndOfStream;
    this.bytes = fragment.slice();
    this.length = fragment.length;
  }

  append(fragment: Uint8Array): void {
    this.continuations++;
    const needed = this.length + fragment.length;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(fragment, this.length);
    this.length = needed;
  }
}
