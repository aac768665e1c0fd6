/** HPACK written straight from RFC 7541, slow and short: what the real decoder is compared with. */
import { encodeHuffman, huffmanLength } from "../../src/http2/huffman.ts";
import { staticNames, staticTableLength, staticValues } from "../../src/http2/static-table.ts";

type Field = readonly [name: string, value: string];

/** Bits of a symbol's code as text, to the symbol. The code itself is checked against the RFC's examples elsewhere. */
const symbols = new Map<string, number>();
for (let symbol = 0; symbol < 256; symbol++) {
  const text = String.fromCharCode(symbol);
  // The code twice tells where one ends: both halves are the same, and the padding is ones.
  symbols.set(codeOf(text), symbol);
}

function codeOf(text: string): string {
  const bits = (repeat: number): string => {
    const coded = text.repeat(repeat);
    const out = new Uint8Array(huffmanLength(coded));
    encodeHuffman(coded, out, 0);
    return [...out].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  };
  // Eight codes in a row fill whole bytes.
  const eight = bits(8);
  return eight.slice(0, eight.length / 8);
}

class Malformed extends Error {}

export class NaiveHpackDecoder {
  #table: Field[] = [];
  #maxBytes: number;
  readonly #allowedBytes: number;
  #bytes: readonly number[] = [];

  constructor(tableBytes: number) {
    this.#maxBytes = tableBytes;
    this.#allowedBytes = tableBytes;
  }

  decode(block: Uint8Array): Field[] | "invalid" {
    this.#bytes = [...block];
    const fields: Field[] = [];
    try {
      while (this.#bytes.length > 0) this.#read(fields);
      return fields;
    } catch (error) {
      if (error instanceof Malformed) return "invalid";
      throw error;
    }
  }

  #read(fields: Field[]): void {
    const first = this.#bytes[0] ?? 0;
    if (first >= 0x80) {
      fields.push(this.#entry(this.#integer(7)));
    } else if (first >= 0x40) {
      const field = this.#literal(6);
      fields.push(field);
      this.#table.unshift(field);
      this.#evict();
    } else if (first >= 0x20) {
      const size = this.#integer(5);
      if (fields.length > 0 || size > this.#allowedBytes) throw new Malformed();
      this.#maxBytes = size;
      this.#evict();
    } else {
      fields.push(this.#literal(4));
    }
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#text() : this.#entry(index)[0];
    return [name, this.#text()];
  }

  #entry(index: number): Field {
    if (index === 0) throw new Malformed();
    if (index <= staticTableLength) return [staticNames[index] ?? "", staticValues[index] ?? ""];
    const field = this.#table[index - staticTableLength - 1];
    if (field === undefined) throw new Malformed();
    return field;
  }

  #evict(): void {
    const size = (): number =>
      this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#maxBytes) this.#table.pop();
  }

  #take(): number {
    const byte = this.#bytes[0];
    if (byte === undefined) throw new Malformed();
    this.#bytes = this.#bytes.slice(1);
    return byte;
  }

  #integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let value = this.#take() & mask;
    if (value < mask) return value;
    // Four more bytes at most, as the real one: larger numbers mean nothing here.
    for (let factor = 1; factor <= 2 ** 21; factor *= 128) {
      const byte = this.#take();
      value += (byte & 127) * factor;
      if (byte >= 128) continue;
      if (value > 2 ** 24) throw new Malformed();
      return value;
    }
    throw new Malformed();
  }

  #text(): string {
    const isCoded = (this.#bytes[0] ?? 0) >= 0x80;
    const length = this.#integer(7);
    if (length > this.#bytes.length) throw new Malformed();
    const raw = this.#bytes.slice(0, length);
    this.#bytes = this.#bytes.slice(length);
    return isCoded ? decodeBits(raw) : String.fromCharCode(...raw);
  }
}

function decodeBits(raw: readonly number[]): string {
  const bits = raw.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let text = "";
  let code = "";
  for (const bit of bits) {
    code += bit;
    const symbol = symbols.get(code);
    if (symbol === undefined) continue;
    text += String.fromCharCode(symbol);
    code = "";
  }
  // The end: fewer than eight ones (section 5.2). The end-of-string symbol is longer than that.
  if (code.length > 7 || code.includes("0")) throw new Malformed();
  return text;
}
