/**
 * The Huffman code of HPACK (RFC 7541, appendix B). The code is canonical, so the lengths of its 257 symbols are all
 * that is written here; codes and the decoding machine are computed once. Decoding takes four bits a step through a
 * table of 256 states (the inner nodes of the tree), so no code is longer than the machine.
 */

// prettier-ignore
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const endOfString = 256;
const longestCode = 30;

const codes = new Uint32Array(lengths.length);
const bitCounts = Uint8Array.from(lengths);

/** One step of the machine: bits 0-7 next state, 8-15 the symbol, and the two flags. */
const machine = new Uint32Array(256 * 16);
const emitsSymbol = 0x1_0000;
const isInvalid = 0x2_0000;
/** States in which a string may end: up to seven one bits after the last symbol (RFC 7541, section 5.2). */
const mayEnd = new Uint8Array(256);

buildCodes();
buildMachine();

/** Bytes that the text takes when coded. Characters are bytes (latin1). */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += bitCounts[symbolAt(text, i)] ?? 0;
  return (bits + 7) >> 3;
}

/** A character that is no byte becomes a question mark: cut to a byte it could become a line break. */
function symbolAt(text: string, at: number): number {
  const c = text.charCodeAt(at);
  return c > 0xff ? 0x3f : c;
}

/** Writes the coded text at `at` and returns the position after it; the caller has made room for `huffmanLength`. */
export function encodeHuffman(text: string, out: Uint8Array, at: number): number {
  let held = 0;
  let heldBits = 0;
  let position = at;
  for (let i = 0; i < text.length; i++) {
    const symbol = symbolAt(text, i);
    let code = codes[symbol] ?? 0;
    let bits = bitCounts[symbol] ?? 0;
    if (bits > 24) {
      // Seven held bits and thirty new ones do not fit 32: send the upper part first.
      const upperBits = bits - 16;
      held = (held << upperBits) | (code >>> 16);
      heldBits += upperBits;
      while (heldBits >= 8) {
        heldBits -= 8;
        out[position++] = held >>> heldBits;
      }
      code &= 0xffff;
      bits = 16;
    }
    held = (held << bits) | code;
    heldBits += bits;
    while (heldBits >= 8) {
      heldBits -= 8;
      out[position++] = held >>> heldBits;
    }
  }
  if (heldBits > 0) out[position++] = (held << (8 - heldBits)) | (0xff >> heldBits);
  return position;
}

/**
 * Decodes bytes [start, end) into `out` and returns how many bytes that made, or -1 where they are no valid coding.
 * `out` must hold 8/5 of the input.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    let step = machine[(state << 4) | (byte >> 4)] ?? isInvalid;
    if (step & (emitsSymbol | isInvalid)) {
      if (step & isInvalid) return -1;
      out[length++] = (step >> 8) & 0xff;
    }
    step = machine[((step & 0xff) << 4) | (byte & 15)] ?? isInvalid;
    if (step & (emitsSymbol | isInvalid)) {
      if (step & isInvalid) return -1;
      out[length++] = (step >> 8) & 0xff;
    }
    state = step & 0xff;
  }
  return mayEnd[state] === 1 ? length : -1;
}

function buildCodes(): void {
  let code = 0;
  for (let bits = 1; bits <= longestCode; bits++) {
    code = (code << 1) >>> 0;
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === bits) codes[symbol] = code++;
  }
}

function buildMachine(): void {
  // children[node * 2 + bit]: an inner node, or the complement of a symbol for a leaf. Node 0 is the root.
  const children = new Int32Array(512);
  let nodes = 1;
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    const code = codes[symbol] ?? 0;
    let node = 0;
    for (let bit = (lengths[symbol] ?? 0) - 1; bit > 0; bit--) {
      const slot = node * 2 + ((code >>> bit) & 1);
      if ((children[slot] ?? 0) === 0) children[slot] = nodes++;
      node = children[slot] ?? 0;
    }
    children[node * 2 + (code & 1)] = ~symbol;
  }
  for (let state = 0; state < nodes; state++) {
    for (let nibble = 0; nibble < 16; nibble++)
      machine[(state << 4) | nibble] = walk(children, state, nibble);
  }
  for (let node = 0, depth = 0; depth <= 7; depth++) {
    mayEnd[node] = 1;
    node = children[node * 2 + 1] ?? 0;
  }
}

/** Four bits from a state. No two symbols end within four bits, because the shortest code has five. */
function walk(children: Int32Array, state: number, nibble: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((nibble >> bit) & 1)] ?? 0;
    if (child >= 0) {
      node = child;
      continue;
    }
    const symbol = ~child;
    if (symbol === endOfString) return isInvalid; // must be treated as a decoding error
    emitted = emitsSymbol | (symbol << 8);
    node = 0;
  }
  return emitted | node;
}
