/**
 * A parsed head: offsets into the bytes that it came in, which it keeps, so it stays valid as long as it is held.
 * Text is decoded when asked for (ISO 8859-1: one character for each byte), never before.
 */
import { equalsName } from "./characters.ts";
import { type FieldTable, kindBits, kindMask, stride } from "./field-table.ts";
import { field } from "./known-fields.ts";

export type BodyKind = "none" | "length" | "chunked" | "until_close";

const noBytes = Buffer.alloc(0);
const noNumbers = new Int32Array(0);

export class MessageHead {
  /** Of the sender: 0 or 1 (a higher minor version counts as 1, RFC 9110 2.5). */
  versionMinor: 0 | 1;
  headerCount: number;
  /** One bit for each kind of known field (known-fields.ts) that is there. */
  kinds: number;
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
  /** As `FieldTable` has them. */
  #fields: Int32Array;

  constructor() {
    this.versionMinor = 1;
    this.headerCount = 0;
    this.kinds = 0;
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
    this.#fields = noNumbers;
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
    const at = index * stride;
    return (this.#fields[at] ?? 0) + ((this.#fields[at + 1] ?? 0) >>> kindBits);
  }

  valueStart(index: number): number {
    return this.#fields[index * stride + 2] ?? 0;
  }

  valueEnd(index: number): number {
    return this.#fields[index * stride + 3] ?? 0;
  }

  kindAt(index: number): number {
    return (this.#fields[index * stride + 1] ?? 0) & kindMask;
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

  /** For the parser: the section is complete. */
  takeFields(table: FieldTable): void {
    this.headerCount = table.count;
    this.kinds = table.kinds;
    this.#fields = table.copy();
  }

  /** For the parser: Connection names these fields, so they are for this hop only. */
  nominate(nameLower: string): void {
    for (let i = 0; i < this.headerCount; i++) {
      if (this.kindAt(i) !== field.other) continue;
      if (equalsName(this.bytes, this.nameStart(i), this.nameEnd(i), nameLower)) {
        // `other` is 0, so the kind's bits are free.
        this.#fields[i * stride + 1] = (this.#fields[i * stride + 1] ?? 0) | field.nominated;
        this.kinds |= 1 << field.nominated;
      }
    }
  }

  text(start: number, end: number): string {
    return this.bytes.toString("latin1", start, end);
  }
}
