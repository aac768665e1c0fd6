/** Damages messages: bytes that mean something to the grammar come more often than others, and so do words of framing. */
import type { Random } from "./random.ts";

/** Longer inputs have more bytes that nothing depends on. */
const maxInputBytes = 1_500;
const maxInsertBytes = 64;
const maxMutations = 4;

const telling = Buffer.from('\r\n\t :;,="\\0159afGx%/?#[]@\x00\x0b\x7f\xff', "latin1");

const words = [
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\n",
  "Expect: 100-continue\r\n",
  "Host: a\r\n",
  "chunked",
  ", ",
  "0\r\n\r\n",
  '5;a="b"\r\n',
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0",
  "ffffffff",
  "http://a",
].map((word) => Buffer.from(word, "latin1"));

/**
 * So that what is damaged is decided on however it is cut: only an empty line makes a parser look at a head that comes in
 * pieces.
 */
const tail = Buffer.from("\r\n\r\n\r\n\r\n", "latin1");

export class Mutator {
  readonly #corpus: readonly Buffer[];
  readonly #random: Random;
  readonly #bytes = Buffer.alloc(maxInputBytes + maxMutations * maxInsertBytes + tail.length);
  #length = 0;

  constructor(corpus: readonly Buffer[], random: Random) {
    this.#corpus = corpus.filter((bytes) => bytes.length <= maxInputBytes && bytes.length > 0);
    if (this.#corpus.length === 0) throw new Error("nothing to damage");
    this.#random = random;
  }

  /** A damaged member of the corpus; valid until the next call. */
  next(): Buffer {
    const base = this.#pick(this.#corpus);
    base.copy(this.#bytes);
    this.#length = base.length;
    for (let n = 1 + this.#below(maxMutations); n > 0; n--) this.#mutate();
    tail.copy(this.#bytes, this.#length);
    return this.#bytes.subarray(0, this.#length + tail.length);
  }

  #mutate(): void {
    const at = this.#below(this.#length);
    switch (this.#below(8)) {
      case 0:
      case 1:
        this.#bytes[at] = telling[this.#below(telling.length)] ?? 0;
        break;
      case 2:
        this.#insert(at, telling, this.#below(telling.length), 1);
        break;
      case 3:
        this.#remove(at, 1 + (this.#random() < 0.2 ? this.#below(12) : 0));
        break;
      case 4: {
        const word = this.#pick(words);
        this.#insert(at, word, 0, word.length);
        break;
      }
      case 5: {
        // A piece of another message, or of this one again.
        const other = this.#pick(this.#corpus);
        const from = this.#below(other.length);
        this.#insert(at, other, from, Math.min(1 + this.#below(maxInsertBytes), other.length - from));
        break;
      }
      case 6:
        this.#bytes[at] = (this.#bytes[at] ?? 0) ^ (1 << this.#below(8));
        break;
      default:
        this.#bytes[at] = this.#below(256);
    }
  }

  #insert(at: number, source: Buffer, from: number, count: number): void {
    const taken = Math.min(count, maxInsertBytes);
    this.#bytes.copyWithin(at + taken, at, this.#length);
    source.copy(this.#bytes, at, from, from + taken);
    this.#length += taken;
  }

  #remove(at: number, count: number): void {
    const taken = Math.min(count, this.#length - at, this.#length - 1);
    this.#bytes.copyWithin(at, at + taken, this.#length);
    this.#length -= taken;
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[this.#below(list.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }
}
