/**
 * HPACK encoder (RFC 7541). One block at a time into a buffer that the encoder owns: the returned view is valid until
 * the next call. Fields that vary with every request are not indexed, secrets never are.
 */
import { ByteWriter } from "../kernel/index.ts";
import { DynamicTable } from "./dynamic-table.ts";
import type { HeaderFields } from "./header-fields.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { staticNames, staticTableLength, staticValues } from "./static-table.ts";

/** The most memory spent on what the peer offers to remember: the default of RFC 9113, enough for 60 to 100 fields. */
const maxEncoderTableBytes = 4096;

/** Values that do not come again would only push out those that do. */
const notIndexed: ReadonlySet<string> = new Set([
  ":path",
  "content-length",
  "date",
  "etag",
  "if-none-match",
  "if-modified-since",
  "last-modified",
  "grpc-timeout",
  "grpc-message",
  "traceparent",
  "x-request-id",
  "x-b3-spanid",
  "x-b3-traceid",
  "range",
  "content-range",
  "location",
  "age",
]);
/** A table that an attacker can fill and measure would give these away byte by byte (RFC 7541, section 7.1). */
const neverIndexed: ReadonlySet<string> = new Set(["authorization", "proxy-authorization", "set-cookie"]);

interface NameEntry {
  /** 0: not in the static table. */
  readonly staticIndex: number;
  /** Value to index in the static table. */
  readonly staticValues: ReadonlyMap<string, number>;
}

const staticEntries: ReadonlyMap<string, NameEntry> = buildStaticEntries();

export class HpackEncoder {
  readonly #table: DynamicTable;
  /** Name to (value to entry number): what is in the dynamic table now. */
  readonly #dynamic = new Map<string, Map<string, number>>();
  readonly #out = new ByteWriter();
  /** The smallest size since the last block, where the size was changed (section 4.2). */
  #announceBytes: number | undefined = undefined;

  constructor() {
    this.#table = new DynamicTable(maxEncoderTableBytes, (name, value, number) =>
      this.#forget(name, value, number),
    );
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerTableBytes(bytes: number): void {
    const size = Math.min(bytes, maxEncoderTableBytes);
    if (size === this.#table.maxBytes) return;
    this.#announceBytes = Math.min(this.#announceBytes ?? size, size);
    this.#table.resize(size);
  }

  encode(fields: HeaderFields): Uint8Array {
    this.#out.clear();
    if (this.#announceBytes !== undefined) {
      if (this.#announceBytes < this.#table.maxBytes) this.#integer(0x20, 5, this.#announceBytes);
      this.#integer(0x20, 5, this.#table.maxBytes);
      this.#announceBytes = undefined;
    }
    for (let i = 0; i < fields.count; i++)
      this.#field(fields.nameAt(i), fields.valueAt(i), fields.isSensitive(i));
    return this.#out.view();
  }

  #field(name: string, value: string, isSensitive: boolean): void {
    const known = staticEntries.get(name);
    const mustNotIndex = isSensitive || neverIndexed.has(name);
    const inTable = mustNotIndex ? undefined : this.#dynamic.get(name);
    if (!mustNotIndex) {
      const staticIndex = known?.staticValues.get(value);
      if (staticIndex !== undefined) return this.#integer(0x80, 7, staticIndex);
      const number = inTable?.get(value);
      if (number !== undefined) return this.#integer(0x80, 7, this.#indexOf(number));
    }
    let nameIndex = known?.staticIndex ?? 0;
    if (nameIndex === 0 && inTable !== undefined) {
      for (const number of inTable.values()) {
        nameIndex = this.#indexOf(number);
        break;
      }
    }
    const isIndexed =
      !mustNotIndex && !notIndexed.has(name) && name.length + value.length < this.#table.maxBytes / 4;
    if (isIndexed) this.#integer(0x40, 6, nameIndex);
    else this.#integer(mustNotIndex ? 0x10 : 0x00, 4, nameIndex);
    if (nameIndex === 0) this.#text(name);
    this.#text(value);
    if (isIndexed) this.#remember(name, value);
  }

  #remember(name: string, value: string): void {
    const number = this.#table.insert(name, value);
    if (number === 0) return;
    const values = this.#dynamic.get(name);
    if (values === undefined) this.#dynamic.set(name, new Map([[value, number]]));
    else values.set(value, number);
  }

  #forget(name: string, value: string, number: number): void {
    const values = this.#dynamic.get(name);
    if (values?.get(value) !== number) return;
    values.delete(value);
    if (values.size === 0) this.#dynamic.delete(name);
  }

  #indexOf(number: number): number {
    return staticTableLength + 1 + this.#table.inserted - number;
  }

  #integer(pattern: number, prefixBits: number, value: number): void {
    const mask = (1 << prefixBits) - 1;
    if (value < mask) return this.#out.byte(pattern | value);
    this.#out.byte(pattern | mask);
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) this.#out.byte((rest & 0x7f) | 0x80);
    this.#out.byte(rest);
  }

  #text(text: string): void {
    const coded = huffmanLength(text);
    if (coded >= text.length) {
      this.#integer(0x00, 7, text.length);
      return this.#out.latin1(text);
    }
    this.#integer(0x80, 7, coded);
    this.#out.reserve(coded);
    this.#out.length = encodeHuffman(text, this.#out.bytes, this.#out.length);
  }
}

function buildStaticEntries(): ReadonlyMap<string, NameEntry> {
  const entries = new Map<string, { staticIndex: number; staticValues: Map<string, number> }>();
  for (let index = 1; index <= staticTableLength; index++) {
    const name = staticNames[index] ?? "";
    const value = staticValues[index] ?? "";
    const entry = entries.get(name) ?? { staticIndex: index, staticValues: new Map<string, number>() };
    entry.staticValues.set(value, index);
    entries.set(name, entry);
  }
  return entries;
}
