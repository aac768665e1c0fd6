/**
 * HPACK decoder (RFC 7541). Takes complete header blocks; the dynamic table lives across them. A list that is larger
 * than allowed is still decoded to its end, because the table must follow the peer's, but nothing of it is kept: time
 * and memory stay proportional to the compressed bytes, whatever they claim to unfold to. On the way it judges the list
 * (`check`): a literal's characters when it comes, an indexed field by the tag that its table keeps.
 */
import { isBlank, isNameByte, isValueByte } from "./characters.ts";
import { DynamicTable } from "./dynamic-table.ts";
import { fieldKinds, kindMask, kindOf, malformedValue } from "./field-tag.ts";
import { HeadCheck } from "./head-check.ts";
import { fieldOverheadBytes, HeaderFields } from "./header-fields.ts";
import { decodeHuffman } from "./huffman.ts";
import { staticNames, staticTableLength, staticTags, staticValues } from "./static-table.ts";

/** Integers beyond this are no length or index that a block could mean (2^24 is over any block's size). */
const largestInteger = 1 << 24;
const huffmanExpansion = 8 / 5; // the shortest code has five bits

export type DecodeResult = HeaderFields | "too_large" | "invalid";

export class HpackDecoder {
  /** The verdict on the list that was decoded last; means nothing unless that is a HeaderFields. */
  readonly check = new HeadCheck();
  readonly #table: DynamicTable;
  readonly #allowedTableBytes: number;
  readonly #maxListBytes: number;
  #scratch: Buffer = Buffer.allocUnsafe(256);
  #bytes: Uint8Array = noBytes;
  #at = 0;
  #end = 0;
  #isBad = false;
  /** Of the text that was read last. */
  #textBytes = 0;

  constructor(tableBytes: number, maxListBytes: number) {
    this.#table = new DynamicTable(tableBytes);
    this.#allowedTableBytes = tableBytes;
    this.#maxListBytes = maxListBytes;
  }

  /** `bytes[start, end)`. "invalid" is a connection error (COMPRESSION_ERROR): the tables no longer agree. */
  decode(bytes: Uint8Array, start = 0, end: number = bytes.length): DecodeResult {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isBad = false;
    const check = this.check;
    check.reset();
    const fields = new HeaderFields();
    let listBytes = 0;
    let isFirst = true;
    while (this.#at < end) {
      const byte = bytes[this.#at] ?? 0;
      if ((byte & 0xe0) === 0x20) {
        if (!isFirst) return "invalid"; // size updates stand at the beginning of a block (section 4.2)
        const maxBytes = this.#integer(5);
        if (this.#isBad || maxBytes > this.#allowedTableBytes) return "invalid";
        this.#table.resize(maxBytes);
        continue;
      }
      isFirst = false;
      let name: string;
      let value: string;
      let tag: number;
      if ((byte & 0x80) !== 0) {
        let index = byte & 0x7f;
        if (index < 0x7f) this.#at++;
        else index = this.#integer(7);
        if (index <= staticTableLength) {
          name = staticNames[index] ?? "";
          value = staticValues[index] ?? "";
          tag = staticTags[index] ?? 0;
          if (index === 0) this.#isBad = true;
        } else {
          const offset = index - staticTableLength - 1;
          name = this.#table.nameAt(offset);
          value = this.#table.valueAt(offset);
          tag = this.#table.tagAt(offset);
          if (offset >= this.#table.length) this.#isBad = true;
        }
      } else {
        const index = this.#integer((byte & 0x40) !== 0 ? 6 : 4);
        if (index === 0) {
          name = this.#text();
          tag = this.#nameTag(name);
        } else {
          name = this.#nameAt(index);
          tag = this.#kindAt(index);
        }
        value = this.#text();
        if (!this.#isValueText()) tag |= malformedValue;
        if ((byte & 0x40) !== 0 && !this.#isBad) this.#table.insert(name, value, tag);
      }
      if (this.#isBad) return "invalid";
      listBytes += name.length + value.length + fieldOverheadBytes;
      if (listBytes > this.#maxListBytes) continue;
      if (tag === 0) check.hasRegular = true;
      else check.add(tag, name, value);
      if ((byte & 0xf0) === 0x10) fields.addSensitive(name, value);
      else fields.add(name, value);
    }
    return listBytes > this.#maxListBytes ? "too_large" : fields;
  }

  #nameAt(index: number): string {
    if (index <= staticTableLength) return staticNames[index] ?? "";
    const offset = index - staticTableLength - 1;
    return offset < this.#table.length ? this.#table.nameAt(offset) : this.#fail();
  }

  /** Of the name alone, whatever the value beside it is worth. */
  #kindAt(index: number): number {
    if (index <= staticTableLength) return staticTags[index] ?? 0;
    return this.#table.tagAt(index - staticTableLength - 1) & kindMask;
  }

  #fail(): string {
    this.#isBad = true;
    this.#textBytes = 0;
    return "";
  }

  /** An integer with an n-bit prefix (section 5.1). */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.#bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) break;
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) {
        if (value > largestInteger) break;
        return value;
      }
    }
    this.#isBad = true;
    return 0;
  }

  /** A string literal (section 5.2). Its bytes stay in the scratch buffer until the next one. */
  #text(): string {
    if (this.#at >= this.#end) return this.#fail();
    const first = this.#bytes[this.#at] ?? 0;
    const isCoded = (first & 0x80) !== 0;
    let length = first & 0x7f;
    if (length < 0x7f) this.#at++;
    else length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (this.#isBad || end > this.#end) return this.#fail();
    this.#at = end;
    this.#textBytes = 0;
    if (length === 0) return "";
    const needed = isCoded ? Math.ceil(length * huffmanExpansion) : length;
    if (needed > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(needed * 2);
    const decoded = isCoded
      ? decodeHuffman(this.#bytes, start, end, this.#scratch)
      : copyRange(this.#bytes, start, end, this.#scratch);
    if (decoded < 0) return this.#fail();
    this.#textBytes = decoded;
    return this.#scratch.toString("latin1", 0, decoded);
  }

  /** The tag of the text that was just read, as a name. */
  #nameTag(name: string): number {
    const scratch = this.#scratch;
    const length = this.#textBytes;
    if (length > 0 && scratch[0] === 0x3a) return kindOf(name);
    for (let i = 0; i < length; i++) {
      if (isNameByte[scratch[i] ?? 0] !== 1) return fieldKinds.malformedName;
    }
    return length === 0 ? fieldKinds.malformedName : kindOf(name);
  }

  /** Whether the text that was just read may be a value: no control characters, no white space around. */
  #isValueText(): boolean {
    const scratch = this.#scratch;
    const length = this.#textBytes;
    if (length === 0) return true;
    if (isBlank(scratch[0] ?? 0) || isBlank(scratch[length - 1] ?? 0)) return false;
    for (let i = 0; i < length; i++) if (isValueByte[scratch[i] ?? 0] !== 1) return false;
    return true;
  }
}

const noBytes = new Uint8Array(0);
/** Longer than this, the call into native code pays. */
const loopedCopyBytes = 64;

function copyRange(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  const length = end - start;
  if (length > loopedCopyBytes) target.set(source.subarray(start, end));
  else for (let i = 0; i < length; i++) target[i] = source[start + i] ?? 0;
  return length;
}
