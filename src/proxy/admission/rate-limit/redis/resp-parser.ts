/**
 * RESP2 and RESP3 as a client reads them: incremental, strict, every length checked before it is believed. What is no RESP
 * ends the connection; nothing is guessed. Attributes and pushes are read and dropped.
 */

/** What the server says instead of an answer: "NOSCRIPT No matching script…". */
export class RespError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The word that tells its kind; the rest is for people and may say anything. */
  get code(): string {
    return /^[A-Z][A-Z0-9]*/.exec(this.text)?.[0] ?? "unknown";
  }
}

/** Maps are lists of keys and values in turns. */
export type RespValue = string | number | boolean | null | RespError | readonly RespValue[];

interface RespBounds {
  readonly maxLineBytes: number;
  readonly maxBulkBytes: number;
  /** Of one reply, at all depths together. */
  readonly maxItems: number;
  readonly maxDepth: number;
}

/** The replies of the lease script are three numbers; errors and a server's own words are somewhat longer. */
const respBounds: RespBounds = {
  maxLineBytes: 4_096,
  maxBulkBytes: 65_536,
  maxItems: 1_024,
  maxDepth: 4,
};

interface Aggregate {
  /** Pushes and attributes are no part of an answer. */
  readonly isDropped: boolean;
  /** An attribute comes before its value. */
  readonly isAttribute: boolean;
  left: number;
  readonly items: RespValue[];
}

interface Bulk {
  readonly type: number;
  readonly length: number;
}

const cr = 0x0d;
const lf = 0x0a;
const none = new Uint8Array(0);
const types = {
  simple: 0x2b,
  error: 0x2d,
  integer: 0x3a,
  bulk: 0x24,
  array: 0x2a,
  null: 0x5f,
  boolean: 0x23,
  double: 0x2c,
  bigNumber: 0x28,
  bulkError: 0x21,
  verbatim: 0x3d,
  map: 0x25,
  set: 0x7e,
  push: 0x3e,
  attribute: 0x7c,
} as const;

export class RespParser {
  readonly #onReply: (reply: RespValue) => void;
  readonly #bounds: RespBounds;
  #rest: Uint8Array = none;
  readonly #open: Aggregate[] = [];
  #bulk: Bulk | undefined = undefined;
  #items = 0;
  #problem: string | undefined = undefined;

  constructor(onReply: (reply: RespValue) => void, bounds: RespBounds = respBounds) {
    this.#onReply = onReply;
    this.#bounds = bounds;
  }

  /** Undefined: all is well. Else what is wrong, from then on for ever. */
  push(chunk: Uint8Array): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at < bytes.length && this.#problem === undefined) {
      const next =
        this.#bulk === undefined ? this.#readLine(bytes, at) : this.#readBulk(bytes, at, this.#bulk);
      if (next === at) break;
      at = next;
    }
    // A copy: a view would keep the whole chunk alive.
    this.#rest = at === bytes.length ? none : bytes.slice(at);
    return this.#problem;
  }

  /** Where to go on; `at`: the line is not whole. */
  #readLine(bytes: Uint8Array, at: number): number {
    const { maxLineBytes } = this.#bounds;
    const end = bytes.indexOf(cr, at);
    if (end < 0 ? bytes.length - at > maxLineBytes : end - at > maxLineBytes) {
      this.#problem = "a line is too long";
      return at;
    }
    if (bytes.subarray(at, end < 0 ? bytes.length : end).includes(lf)) {
      this.#problem = "a line ends without CR";
      return at;
    }
    if (end < 0 || end + 1 >= bytes.length) return at;
    if (bytes[end + 1] !== lf) {
      this.#problem = "a CR without LF";
      return at;
    }
    this.#onLine(bytes[at] ?? 0, textOf(bytes.subarray(at + 1, end)));
    return end + 2;
  }

  #readBulk(bytes: Uint8Array, at: number, bulk: Bulk): number {
    const end = at + bulk.length;
    if (bytes.length > end && bytes[end] !== cr) this.#problem = "a bulk string is longer than it says";
    if (bytes.length < end + 2) return at;
    if (bytes[end + 1] !== lf) this.#problem = "a bulk string is longer than it says";
    if (this.#problem !== undefined) return at;
    this.#bulk = undefined;
    this.#onBulk(bulk.type, textOf(bytes.subarray(at, end)));
    return end + 2;
  }

  #onLine(type: number, text: string): void {
    switch (type) {
      case types.simple:
        return this.#onValue(text);
      case types.error:
        return this.#onValue(new RespError(text));
      case types.integer:
        return this.#onInteger(text);
      case types.bulk:
        return text === "-1" ? this.#onValue(null) : this.#openBulk(type, text);
      case types.bulkError:
      case types.verbatim:
        return this.#openBulk(type, text);
      case types.array:
        return text === "-1" ? this.#onValue(null) : this.#openAggregate(type, text);
      case types.map:
      case types.set:
      case types.push:
      case types.attribute:
        return this.#openAggregate(type, text);
      case types.null:
        return text === "" ? this.#onValue(null) : this.#fail("a null that is something");
      case types.boolean:
        return text === "t" || text === "f" ? this.#onValue(text === "t") : this.#fail("no boolean");
      case types.double:
        return this.#onDouble(text);
      case types.bigNumber:
        return /^[+-]?\d+$/.test(text) ? this.#onValue(text) : this.#fail("no number");
      default:
        return this.#fail("a type that RESP does not have");
    }
  }

  #onInteger(text: string): void {
    const value = Number(text);
    if (/^[+-]?\d{1,19}$/.test(text) && Number.isSafeInteger(value)) this.#onValue(value);
    else this.#fail("no whole number, or too large a one");
  }

  #onDouble(text: string): void {
    if (/^[+-]?(inf|nan)$/.test(text)) this.#onValue(text);
    else if (/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text)) this.#onValue(Number(text));
    else this.#fail("no number");
  }

  #openBulk(type: number, text: string): void {
    const length = lengthOf(text);
    if (length === undefined || length > this.#bounds.maxBulkBytes) this.#fail("a bulk string is too long");
    else this.#bulk = { type, length };
  }

  #onBulk(type: number, text: string): void {
    if (type === types.bulkError) this.#onValue(new RespError(text));
    else if (type === types.verbatim) {
      if (/^.{3}:/s.test(text)) this.#onValue(text.slice(4));
      else this.#fail("a verbatim string without a format");
    } else this.#onValue(text);
  }

  #openAggregate(type: number, text: string): void {
    const length = lengthOf(text);
    const isPaired = type === types.map || type === types.attribute;
    const left = length === undefined ? undefined : isPaired ? 2 * length : length;
    if (left === undefined || this.#items + left > this.#bounds.maxItems) return this.#fail("too many items");
    if (this.#open.length >= this.#bounds.maxDepth) return this.#fail("nested too deeply");
    if (type === types.push && this.#open.length > 0) return this.#fail("a push within a reply");
    const isAttribute = type === types.attribute;
    this.#items += left;
    this.#open.push({ isDropped: isAttribute || type === types.push, isAttribute, left, items: [] });
    this.#closeFilled();
  }

  #onValue(value: RespValue): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      this.#items = 0;
      this.#onReply(value);
      return;
    }
    parent.items.push(value);
    parent.left--;
    this.#closeFilled();
  }

  #closeFilled(): void {
    const filled = this.#open.at(-1);
    if (filled === undefined || filled.left > 0) return;
    this.#open.pop();
    if (!filled.isDropped) this.#onValue(filled.items);
    else if (this.#open.length === 0 && !filled.isAttribute) this.#items = 0;
  }

  #fail(problem: string): void {
    this.#problem = problem;
  }
}

function lengthOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Bytes that are no UTF-8 are in no answer that anybody here waits for. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
