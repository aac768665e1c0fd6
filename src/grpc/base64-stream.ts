/**
 * Base64 in pieces (RFC 4648 section 4). What was encoded may have been padded anywhere, as senders of gRPC-Web do where
 * they flush; the decoder takes such a text for the concatenation that it is. Strict: no other alphabet, no white space, no
 * missing padding, no bits behind the last byte. Neither side keeps more than three characters or two bytes.
 */

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const padding = 0x3d;
/** Not in the alphabet; any such value has one of the two highest bits. */
const none = 0xff;

const characters = Uint8Array.from(alphabet, (character) => character.charCodeAt(0));
const values = new Uint8Array(256).fill(none);
for (let i = 0; i < characters.length; i++) values[characters[i] ?? 0] = i;

export class Base64Decoder {
  /** This is no base64: nothing more is read. */
  isBroken = false;
  /** The bits of the group's characters so far, and how many characters there were. */
  #bits = 0;
  #seen = 0;
  /** One padding character came where two must be. */
  #isPadded = false;

  /** False: the text ended inside a group. */
  get isBetweenGroups(): boolean {
    return this.#seen === 0 && !this.isBroken;
  }

  /** The bytes up to the end of the text, or up to where it broke. */
  push(text: Uint8Array): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(((this.#seen + text.length) >> 2) * 3);
    let to = 0;
    for (let at = 0; at < text.length && !this.isBroken; ) {
      if (this.#seen === 0 && at + 4 <= text.length) {
        const a = values[text[at] ?? 0] ?? none;
        const b = values[text[at + 1] ?? 0] ?? none;
        const c = values[text[at + 2] ?? 0] ?? none;
        const d = values[text[at + 3] ?? 0] ?? none;
        if (((a | b | c | d) & 0xc0) === 0) {
          out[to++] = (a << 2) | (b >> 4);
          out[to++] = (b << 4) | (c >> 2);
          out[to++] = (c << 6) | d;
          at += 4;
          continue;
        }
      }
      to = this.#take(text[at++] ?? 0, out, to);
    }
    return out.subarray(0, to);
  }

  /** One character; returns where the next byte goes. */
  #take(character: number, out: Uint8Array, to: number): number {
    if (character === padding) return this.#pad(out, to);
    const value = values[character] ?? none;
    if (value === none || this.#isPadded) {
      this.isBroken = true;
      return to;
    }
    this.#bits = (this.#bits << 6) | value;
    if (++this.#seen < 4) return to;
    out[to] = this.#bits >> 16;
    out[to + 1] = this.#bits >> 8;
    out[to + 2] = this.#bits;
    this.#begin();
    return to + 3;
  }

  #pad(out: Uint8Array, to: number): number {
    // Two characters are one byte and four bits, three are two bytes and two bits; the rest must be zero (section 3.5).
    if (this.#isPadded) {
      out[to] = this.#bits >> 4;
      this.#begin();
      return to + 1;
    }
    if (this.#seen === 2 && (this.#bits & 0xf) === 0) {
      this.#isPadded = true;
      this.#seen = 3;
      return to;
    }
    if (this.#seen === 3 && (this.#bits & 0x3) === 0) {
      out[to] = this.#bits >> 10;
      out[to + 1] = this.#bits >> 2;
      this.#begin();
      return to + 2;
    }
    this.isBroken = true;
    return to;
  }

  #begin(): void {
    this.#bits = 0;
    this.#seen = 0;
    this.#isPadded = false;
  }
}

export class Base64Encoder {
  /** Up to two bytes that make no whole group yet. */
  #bits = 0;
  #held = 0;

  /** The most that `encode` of so many bytes writes, the padding of a flush included. */
  maxLength(bytes: number): number {
    return Math.ceil((this.#held + bytes) / 3) * 4;
  }

  /**
   * Writes `bytes[from, end)` to `out` from `to` on and returns where it ended. `flushes`: everything, with padding;
   * otherwise up to two bytes wait for the next call.
   */
  encode(
    bytes: Uint8Array,
    { from, end, flushes }: { readonly from: number; readonly end: number; readonly flushes: boolean },
    out: Uint8Array,
    to: number,
  ): number {
    let next = to;
    let at = from;
    while (at < end) {
      if (this.#held === 0 && at + 3 <= end) {
        const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
        next = writeGroup(group, out, next);
        at += 3;
        continue;
      }
      this.#bits = (this.#bits << 8) | (bytes[at++] ?? 0);
      if (++this.#held < 3) continue;
      next = writeGroup(this.#bits, out, next);
      this.#begin();
    }
    return flushes ? this.#flush(out, next) : next;
  }

  #flush(out: Uint8Array, to: number): number {
    const held = this.#held;
    if (held === 0) return to;
    writeGroup(held === 1 ? this.#bits << 16 : this.#bits << 8, out, to);
    out[to + 3] = padding;
    if (held === 1) out[to + 2] = padding;
    this.#begin();
    return to + 4;
  }

  #begin(): void {
    this.#bits = 0;
    this.#held = 0;
  }
}

function writeGroup(bits: number, out: Uint8Array, to: number): number {
  out[to] = characters[(bits >> 18) & 63] ?? 0;
  out[to + 1] = characters[(bits >> 12) & 63] ?? 0;
  out[to + 2] = characters[(bits >> 6) & 63] ?? 0;
  out[to + 3] = characters[bits & 63] ?? 0;
  return to + 4;
}
