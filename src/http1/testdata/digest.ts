/** What a parser told, as one number and a few counts: for millions of inputs whose tales only need to be compared. */

/** FNV-1a, 32 bits: two different tales of the same input would have to collide to go unnoticed. */
const offset = 0x811c9dc5;
const prime = 0x01000193;

export class Digest {
  hash = offset;
  heads = 0;
  ends = 0;
  bodyBytes = 0;
  error = "";

  clear(): void {
    this.hash = offset;
    this.heads = 0;
    this.ends = 0;
    this.bodyBytes = 0;
    this.error = "";
  }

  number(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#byte((value >>> shift) & 0xff);
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.#byte(value.charCodeAt(i) & 0xff);
    this.number(value.length);
  }

  bytes(value: Uint8Array, start = 0, end = value.length): void {
    for (let at = start; at < end; at++) this.#byte(value[at] ?? 0);
  }

  /** However the content is cut, it is the same. */
  body(value: Uint8Array): void {
    this.bodyBytes += value.length;
    this.bytes(value);
  }

  #byte(value: number): void {
    this.hash = Math.imul(this.hash ^ value, prime);
  }
}
