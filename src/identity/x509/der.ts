/**
 * DER, the subset that certificates need: written bottom-up, read strictly (definite, minimal lengths; one-byte tags).
 * The reader throws `bad_input`; it never reads outside of the bytes it was given and never copies.
 */
import { WeftError } from "../../kernel/index.ts";

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]` with content that is itself elements, and with plain content. */
export function constructedTag(n: number): number {
  return 0xa0 | n;
}

export function primitiveTag(n: number): number {
  return 0x80 | n;
}

export function encodeElement(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = length < 0x80 ? [tag, length] : [tag, 0, ...bigEndian(length)];
  if (length >= 0x80) header[1] = 0x80 | (header.length - 2);
  const out = new Uint8Array(header.length + length);
  out.set(header);
  let offset = header.length;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function encodeSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeElement(tags.sequence, ...parts);
}

/** `bytes`: an unsigned number, big endian. */
export function encodeInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  const needsSign = (trimmed[0] ?? 0) >= 0x80;
  return needsSign
    ? encodeElement(tags.integer, Uint8Array.of(0), trimmed)
    : encodeElement(tags.integer, trimmed.length === 0 ? Uint8Array.of(0) : trimmed);
}

export function encodeBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeElement(tags.bitString, Uint8Array.of(unusedBits), bytes);
}

export function encodeOctetString(bytes: Uint8Array): Uint8Array {
  return encodeElement(tags.octetString, bytes);
}

export function encodeBoolean(value: boolean): Uint8Array {
  return encodeElement(tags.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function encodeText(tag: number, text: string): Uint8Array {
  return encodeElement(tag, new TextEncoder().encode(text));
}

export function encodeOid(dotted: string): Uint8Array {
  const arcs = dotted.split(".").map(Number);
  const bytes: number[] = [(arcs[0] ?? 0) * 40 + (arcs[1] ?? 0)];
  for (const arc of arcs.slice(2)) {
    const groups = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift(0x80 | (rest & 0x7f));
    bytes.push(...groups);
  }
  return encodeElement(tags.oid, Uint8Array.from(bytes));
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime after; whole seconds. */
export function encodeTime(unixMs: number): Uint8Array {
  const digits = new Date(unixMs).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050"
    ? encodeText(tags.utcTime, digits.slice(2))
    : encodeText(tags.generalizedTime, digits);
}

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag and length included. */
  readonly encoded: Uint8Array;
}

export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  next(tag: number): DerElement {
    const element = this.any();
    if (element.tag !== tag) throw malformed(`expected tag ${tag}, found ${element.tag}`);
    return element;
  }

  optional(tag: number): DerElement | undefined {
    return this.#bytes[this.#offset] === tag ? this.any() : undefined;
  }

  /** The elements inside the next one. */
  enter(tag: number): DerReader {
    return new DerReader(this.next(tag).content);
  }

  any(): DerElement {
    const start = this.#offset;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed("tags of several bytes are not used in certificates");
    const length = this.#length();
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw malformed("an element is longer than what holds it");
    const element = {
      tag,
      content: this.#bytes.subarray(this.#offset, end),
      encoded: this.#bytes.subarray(start, end),
    };
    this.#offset = end;
    return element;
  }

  /** Bytes after the last element that was meant to be there are an error: two readers would disagree about them. */
  finish(): void {
    if (!this.isAtEnd) throw malformed("bytes after the last element");
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed("cut short");
    this.#offset++;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    // Four bytes of length would already be 4 GiB; 0x80 alone is BER's indefinite form.
    if (count === 0 || count > 4) throw malformed("length is indefinite or too long");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed("length is not minimal");
    return length;
  }
}

export function decodeOid(content: Uint8Array): string {
  const first = content[0] ?? 0;
  const arcs = [Math.min(2, Math.floor(first / 40))];
  arcs.push(first - (arcs[0] ?? 0) * 40);
  let arc = 0;
  for (const byte of content.subarray(1)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  return arcs.join(".");
}

export function decodeText(content: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(content);
}

/** Names in certificates are ASCII (IA5String); anything else is refused rather than folded. */
export function decodeAscii(content: Uint8Array): string {
  if (content.some((byte) => byte < 0x20 || byte > 0x7e)) throw malformed("a name is not printable ASCII");
  return decodeText(content);
}

export function decodeTimeMs(element: DerElement): number {
  const text = decodeAscii(element.content);
  const utc = element.tag === tags.utcTime;
  const match = (
    utc ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/ : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
  ).exec(text);
  if (match === null) throw malformed("a time is not of the profile's form");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = !utc ? year : year < 50 ? 2000 + year : 1900 + year;
  return Date.UTC(fullYear, month - 1, day, hour, minute, second);
}

function bigEndian(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return bytes;
}

function malformed(detail: string): WeftError {
  return new WeftError("bad_input", `not valid DER: ${detail}`);
}
