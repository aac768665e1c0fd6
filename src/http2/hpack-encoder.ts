/**
 * HPACK encoder (RFC 7541). Appends one block at a time to the caller's buffer. A field is indexed when it comes again,
 * a secret never.
 */
import type { ByteWriter } from "../kernel/index.ts";
import { DynamicTable } from "./dynamic-table.ts";
import type { HeaderFields } from "./header-fields.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { type NameRule, nameRules, unknownName } from "./indexing-rules.ts";
import { SeenFields } from "./seen-fields.ts";
import { staticTableLength } from "./static-table.ts";

/** The most memory spent on what the peer offers to remember: the default of RFC 9113, enough for 60 to 100 fields. */
const maxEncoderTableBytes = 4096;
/** More entries do not fit: each counts 32 bytes at least. A power of two, so that numbers map to slots. */
const maxEntries = maxEncoderTableBytes / 32;
/** A name with many values at once is searched this far back; older ones are sent again. */
const maxValuesSearched = 8;

interface NameState {
  readonly rule: NameRule;
  /** The number of its newest entry; 0: it has none. */
  newest: number;
}

/** Of an encoder that has remembered nothing yet. */
const none = new Int32Array(0);

const unknownState: NameState = { rule: unknownName, newest: 0 };

export class HpackEncoder {
  readonly #table: DynamicTable;
  /** All names of the table, and those with rules of their own that were sent. */
  readonly #names = new Map<string, NameState>();
  /** By slot: the number of the next older entry with the same name, evicted or not; 0 for none. */
  #older: Int32Array = none;
  readonly #seen = new SeenFields();
  /** The smallest size since the last block, where the size was changed (section 4.2). */
  #announceBytes: number | undefined = undefined;

  constructor() {
    this.#table = new DynamicTable(maxEncoderTableBytes, (name, number) => this.#forget(name, number));
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerTableBytes(bytes: number): void {
    const size = Math.min(bytes, maxEncoderTableBytes);
    if (size === this.#table.maxBytes) return;
    this.#announceBytes = Math.min(this.#announceBytes ?? size, size);
    this.#table.resize(size);
  }

  encode(fields: HeaderFields, out: ByteWriter): void {
    if (this.#announceBytes !== undefined) {
      if (this.#announceBytes < this.#table.maxBytes) writeInteger(out, 0x20, 5, this.#announceBytes);
      writeInteger(out, 0x20, 5, this.#table.maxBytes);
      this.#announceBytes = undefined;
    }
    const { names, values } = fields;
    for (let i = 0; i < names.length; i++)
      this.#field(out, names[i] ?? "", values[i] ?? "", fields.isSensitive(i));
  }

  #field(out: ByteWriter, name: string, value: string, isSensitive: boolean): void {
    const state = this.#names.get(name) ?? this.#learn(name);
    const { rule, newest } = state;
    const isSecret = isSensitive || rule.isSecret;
    if (!isSecret) {
      if (value.length <= rule.longestStaticValue) {
        const staticIndex = rule.staticValues.get(value);
        if (staticIndex !== undefined) return writeInteger(out, 0x80, 7, staticIndex);
      }
      const found = newest === 0 ? 0 : this.#find(newest, value);
      if (found !== 0) return writeInteger(out, 0x80, 7, this.#indexOf(found));
    }
    const nameIndex = rule.staticIndex !== 0 || newest === 0 ? rule.staticIndex : this.#indexOf(newest);
    const isIndexed = !isSecret && this.#isWorthIndexing(name, value, nameIndex);
    if (isIndexed) writeInteger(out, 0x40, 6, nameIndex);
    else writeInteger(out, isSecret ? 0x10 : 0x00, 4, nameIndex);
    if (nameIndex === 0) writeCoded(out, name);
    if (isIndexed) {
      writeCoded(out, value);
      this.#remember(name, value);
    } else {
      // It may come with every request, and coding and decoding a byte costs more than carrying two bits of it.
      writeRaw(out, value);
    }
  }

  /** When it comes again: a known name's value, or a name that is in no table yet, whatever its values. */
  #isWorthIndexing(name: string, value: string, nameIndex: number): boolean {
    // One field must not push out all others.
    if (name.length + value.length >= this.#table.maxBytes / 4) return false;
    return this.#seen.see(name, nameIndex === 0 ? "" : value);
  }

  /** The number of the entry with this value among those of one name; 0: there is none. */
  #find(newest: number, value: string): number {
    let number = newest;
    for (let searched = 0; number !== 0 && searched < maxValuesSearched; searched++) {
      const known = this.#table.valueOf(number);
      if (known === undefined) return 0; // evicted, and so are all older ones
      if (known === value) return number;
      number = this.#older[number % maxEntries] ?? 0;
    }
    return 0;
  }

  #remember(name: string, value: string): void {
    const number = this.#table.insert(name, value, 0);
    if (number === 0) return;
    if (this.#older === none) this.#older = new Int32Array(maxEntries);
    // Only now: the insertion may have evicted the name's last entry.
    const state = this.#names.get(name) ?? { rule: unknownName, newest: 0 };
    if (state.newest === 0) this.#names.set(name, state);
    this.#older[number % maxEntries] = state.newest;
    state.newest = number;
  }

  #forget(name: string, number: number): void {
    const state = this.#names.get(name);
    if (state?.newest !== number) return;
    state.newest = 0;
    if (state.rule === unknownName) this.#names.delete(name);
  }

  /** Names without rules are kept only while they are in the table, which bounds their number. */
  #learn(name: string): NameState {
    const rule = nameRules.get(name);
    if (rule === undefined) return unknownState;
    const state = { rule, newest: 0 };
    this.#names.set(name, state);
    return state;
  }

  #indexOf(number: number): number {
    return staticTableLength + 1 + this.#table.inserted - number;
  }
}

function writeInteger(out: ByteWriter, pattern: number, prefixBits: number, value: number): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return out.byte(pattern | value);
  out.byte(pattern | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) out.byte((rest & 0x7f) | 0x80);
  out.byte(rest);
}

function writeRaw(out: ByteWriter, text: string): void {
  const length = text.length;
  writeInteger(out, 0x00, 7, length);
  out.reserve(length);
  const target = out.bytes;
  let to = out.length;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    target[to++] = c > 0xff ? questionMark : c; // cut to a byte it could become a line break
  }
  out.length = to;
}

function writeCoded(out: ByteWriter, text: string): void {
  const coded = huffmanLength(text);
  if (coded >= text.length) return writeRaw(out, text);
  writeInteger(out, 0x80, 7, coded);
  out.reserve(coded);
  out.length = encodeHuffman(text, out.bytes, out.length);
}

const questionMark = 0x3f;
