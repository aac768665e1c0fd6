/**
 * HPACK decoder (RFC 7541). Takes complete header blocks; the dynamic table lives across them. A list that is larger
 * than allowed is still decoded to its end, because the table must follow the peer's, but nothing of it is kept: time
 * and memory stay proportional to the compressed bytes, whatever they claim to unfold to.
 */
import { DynamicTable } from "./dynamic-table.ts";
import { fieldOverheadBytes, HeaderFields } from "./header-fields.ts";
import { decodeHuffman } from "./huffman.ts";
import { staticNames, staticTableLength, staticValues } from "./static-table.ts";

/** Integers beyond this are no length or index that a block could mean (2^24 is over any block's size). */
const largestInteger = 1 << 24;
const huffmanExpansion = 8 / 5; // the shortest code has five bits

export type DecodeResult = HeaderFields | "too_large" | "invalid";

export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #allowedTableBytes: number;
  readonly #maxListBytes: number;
  #scratch: Buffer = Buffer.allocUnsafe(256);
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #isBad = false;

  constructor(tableBytes: number, maxListBytes: number) {
    this.#table = new DynamicTable(tableBytes);
    this.#allowedTableBytes = tableBytes;
    this.#maxListBytes = maxListBytes;
  }

  /** "invalid" is a connection error (COMPRESSION_ERROR): the tables no longer agree. */
  decode(block: Uint8Array): DecodeResult {
    this.#bytes = block;
    this.#at = 0;
    this.#isBad = false;
    const fields = new HeaderFields();
    let listBytes = 0;
    let isFirst = true;
    while (this.#at < block.length) {
      const byte = block[this.#at] ?? 0;
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
      if (byte & 0x80) {
        const index = this.#integer(7);
        name = this.#nameAt(index);
        value = this.#valueAt(index);
      } else {
        const index = this.#integer(byte & 0x40 ? 6 : 4);
        name = index === 0 ? this.#text() : this.#nameAt(index);
        value = this.#text();
        if (byte & 0x40 && !this.#isBad) this.#table.insert(name, value);
      }
      if (this.#isBad) return "invalid";
      listBytes += name.length + value.length + fieldOverheadBytes;
      if (listBytes > this.#maxListBytes) continue;
      if ((byte & 0xf0) === 0x10) fields.addSensitive(name, value);
      else fields.add(name, value);
    }
    return listBytes > this.#maxListBytes ? "too_large" : fields;
  }

  #nameAt(index: number): string {
    if (index === 0) return this.#fail();
    if (index <= staticTableLength) return staticNames[index] ?? "";
    const offset = index - staticTableLength - 1;
    return offset < this.#table.length ? this.#table.nameAt(offset) : this.#fail();
  }

  #valueAt(index: number): string {
    if (index <= staticTableLength) return staticValues[index] ?? "";
    return this.#table.valueAt(index - staticTableLength - 1);
  }

  #fail(): string {
    this.#isBad = true;
    return "";
  }

  /** An integer with an n-bit prefix (section 5.1). */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (this.#bytes[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#bytes.length) break;
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

  /** A string literal (section 5.2). */
  #text(): string {
    const isCoded = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0;
    if (this.#at >= this.#bytes.length) return this.#fail();
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (this.#isBad || end > this.#bytes.length) return this.#fail();
    this.#at = end;
    if (length === 0) return "";
    const needed = isCoded ? Math.ceil(length * huffmanExpansion) : length;
    if (needed > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(needed * 2);
    if (isCoded) {
      const decoded = decodeHuffman(this.#bytes, start, end, this.#scratch);
      return decoded < 0 ? this.#fail() : this.#scratch.toString("latin1", 0, decoded);
    }
    this.#scratch.set(this.#bytes.subarray(start, end));
    return this.#scratch.toString("latin1", 0, length);
  }
}
