/**
 * A parsed head: offsets into the bytes that it came in, which it keeps, so it stays valid as long as it is held.
 * Text is decoded when asked for (ISO 8859-1: one character for each byte), never before.
 */
import { equalsName } from "./characters.ts";
import { field, identifyField } from "./known-fields.ts";

export type BodyKind = "none" | "length" | "chunked" | "until_close";

/** Numbers for each field: name start and end, value start and end, kind (known-fields.ts). */
const stride = 5;
/** Fits nearly all heads without growing; a larger one doubles it up to the limit. */
const initialFields = 32;

const noBytes = Buffer.alloc(0);

export class MessageHead {
  /** Of the sender: 0 or 1 (a higher minor version counts as 1, RFC 9110 2.5). */
  versionMinor: 0 | 1;
  headerCount: number;
  /** "length" includes a length of 0. */
  body: BodyKind;
  /** Of the Content-Length field; 0 without one. Also set where there is no body (HEAD, 304). */
  contentLength: number;
  /** The sender will read or send another message on this connection. */
  keepAlive: boolean;
  /** Connection names Upgrade, and the version is 1.1. */
  hasUpgrade: boolean;
  hasContentLength: boolean;
  hasTransferEncoding: boolean;
  hasTe: boolean;
  /** Set before anything is parsed. */
  bytes: Buffer;
  /** Where the field lines start, and where the empty line after them does. */
  fieldsStart: number;
  fieldsEnd: number;
  #fields: Int32Array;

  constructor() {
    this.versionMinor = 1;
    this.headerCount = 0;
    this.body = "none";
    this.contentLength = 0;
    this.keepAlive = true;
    this.hasUpgrade = false;
    this.hasContentLength = false;
    this.hasTransferEncoding = false;
    this.hasTe = false;
    this.bytes = noBytes;
    this.fieldsStart = 0;
    this.fieldsEnd = 0;
    this.#fields = new Int32Array(initialFields * stride);
  }

  /** The protocols of the Upgrade field where the sender asks for it, else undefined. */
  get upgrade(): string | undefined {
    return this.hasUpgrade ? this.get("upgrade") : undefined;
  }

  /** In lower case. */
  nameAt(index: number): string {
    return this.text(this.nameStart(index), this.nameEnd(index)).toLowerCase();
  }

  valueAt(index: number): string {
    return this.text(this.valueStart(index), this.valueEnd(index));
  }

  /** All values of the field, joined by ", " (RFC 9110 5.2); undefined where there is none. */
  get(nameLower: string): string | undefined {
    let joined: string | undefined;
    for (let i = 0; i < this.headerCount; i++) {
      if (!equalsName(this.bytes, this.nameStart(i), this.nameEnd(i), nameLower)) continue;
      const value = this.valueAt(i);
      joined = joined === undefined ? value : `${joined}, ${value}`;
    }
    return joined;
  }

  nameStart(index: number): number {
    return this.#fields[index * stride] ?? 0;
  }

  nameEnd(index: number): number {
    return this.#fields[index * stride + 1] ?? 0;
  }

  valueStart(index: number): number {
    return this.#fields[index * stride + 2] ?? 0;
  }

  valueEnd(index: number): number {
    return this.#fields[index * stride + 3] ?? 0;
  }

  kindAt(index: number): number {
    return this.#fields[index * stride + 4] ?? 0;
  }

  /** About this hop only (RFC 9110 7.6.1), and nothing that frames messages. */
  isHopField(index: number): boolean {
    const kind = this.kindAt(index);
    return kind === field.nominated || kind === field.hop;
  }

  /** Where the line after this one starts. */
  lineEnd(index: number): number {
    return index + 1 < this.headerCount ? this.nameStart(index + 1) : this.fieldsEnd;
  }

  /** For the parser. */
  addField(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.headerCount * stride;
    if (at === this.#fields.length) {
      const larger = new Int32Array(at * 2);
      larger.set(this.#fields);
      this.#fields = larger;
    }
    this.#fields[at] = nameStart;
    this.#fields[at + 1] = nameEnd;
    this.#fields[at + 2] = valueStart;
    this.#fields[at + 3] = valueEnd;
    this.#fields[at + 4] = identifyField(this.bytes, nameStart, nameEnd);
    this.headerCount++;
  }

  /** For the parser: Connection names these fields, so they are for this hop only. */
  nominate(nameLower: string): void {
    for (let i = 0; i < this.headerCount; i++) {
      if (this.kindAt(i) !== field.other) continue;
      if (equalsName(this.bytes, this.nameStart(i), this.nameEnd(i), nameLower)) {
        this.#fields[i * stride + 4] = field.nominated;
      }
    }
  }

  text(start: number, end: number): string {
    return this.bytes.toString("latin1", start, end);
  }
}
