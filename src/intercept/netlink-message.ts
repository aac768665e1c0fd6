/**
 * Netlink's bytes: messages with nested attributes written in one growing buffer, and read back. Knows the layout
 * only, no protocol. Integers are little endian, as on every machine that Bun runs on, unless a name says otherwise.
 */
import { WeftError } from "../kernel/index.ts";

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export const messageHeaderBytes = 16;
const attributeHeaderBytes = 4;
/** Larger than any message of ours; one that needs more is a defect. */
const maxMessageBytes = 64 * 1024;

export class NetlinkWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #messageStart = 0;

  /** Starts a message; `end` sets its length. A batch is several of them after one another. */
  begin(type: number, flags: number, sequence: number): this {
    this.#messageStart = this.#length;
    return this.u32(0).u16(type).u16(flags).u32(sequence).u32(0);
  }

  end(): this {
    this.#view.setUint32(this.#messageStart, this.#length - this.#messageStart, true);
    return this;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u16be(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, false);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u32be(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, false);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** An attribute with what `content` writes in it; its length leaves out the padding that follows. */
  attribute(type: number, content: () => void): this {
    const start = this.#grow(attributeHeaderBytes);
    content();
    this.#view.setUint16(start, this.#length - start, true);
    this.#view.setUint16(start + 2, type, true);
    this.#grow(-this.#length & 3);
    return this;
  }

  nested(type: number, content: () => void): this {
    return this.attribute(type | NLA_F_NESTED, content);
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, () => this.u8(value));
  }

  attributeU16(type: number, value: number): this {
    return this.attribute(type, () => this.u16(value));
  }

  attributeU32(type: number, value: number): this {
    return this.attribute(type, () => this.u32(value));
  }

  attributeU32be(type: number, value: number): this {
    return this.attribute(type, () => this.u32be(value));
  }

  attributeRaw(type: number, bytes: Uint8Array): this {
    return this.attribute(type, () => this.raw(bytes));
  }

  /** With the final zero that the kernel expects. */
  attributeString(type: number, text: string): this {
    return this.attributeRaw(type, new TextEncoder().encode(`${text}\0`));
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > maxMessageBytes) throw new WeftError("internal", "a netlink message grew beyond its bound");
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(maxMessageBytes, Math.max(needed, this.#bytes.length * 2)));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header: the protocol's own fixed part, then attributes. */
  readonly payload: Uint8Array;
}

/** The messages of one datagram. Throws WeftError `internal` where lengths do not fit. */
export function parseMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset < datagram.length) {
    if (datagram.length - offset < messageHeaderBytes) throw truncated("message");
    const length = view.getUint32(offset, true);
    if (length < messageHeaderBytes || offset + length > datagram.length) throw truncated("message");
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: datagram.subarray(offset + messageHeaderBytes, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** By type, the last one wins; the values are views. Throws WeftError `internal` where lengths do not fit. */
export function parseAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + attributeHeaderBytes <= bytes.length) {
    const length = view.getUint16(offset, true);
    if (length < attributeHeaderBytes || offset + length > bytes.length) throw truncated("attribute");
    const type = view.getUint16(offset + 2, true) & NLA_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + attributeHeaderBytes, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

/** Text of a string attribute, without the final zero. */
export function attributeText(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "";
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function readI32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(offset, true);
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return readI32(bytes, offset) >>> 0;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

function truncated(what: string): WeftError {
  return new WeftError("internal", `the kernel's netlink answer has a truncated ${what}`);
}
