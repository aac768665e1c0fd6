/**
 * The DNS wire format as far as a sidecar needs it: one question in, address records out, everything else forwarded as
 * bytes. Strict: a query that RFC 1035 does not allow is FORMERR, and nothing a peer sends is followed or allocated for.
 */
import { parseIp } from "../../kernel/index.ts";

export const dnsTypes = { a: 1, aaaa: 28, any: 255, opt: 41 } as const;
export const rcodes = {
  ok: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;
export type Rcode = (typeof rcodes)[keyof typeof rcodes];

export interface DnsQuery {
  readonly id: number;
  /** Lower case, without the final dot; labels hold printable ASCII without dots. */
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  /** The question section's bytes as they came: answers repeat them (with the client's letter case). */
  readonly question: Uint8Array;
  /** The largest UDP answer that the client takes. */
  readonly maxUdpBytes: number;
  readonly hasEdns: boolean;
}

/** What can still be answered of a message that is no acceptable query. Undefined: nothing, not even an id. */
export interface DnsFault {
  readonly id: number;
  readonly rcode: Rcode;
}

const headerBytes = 12;
/** RFC 1035 section 2.3.4. */
const maxNameBytes = 255;
const maxLabelBytes = 63;
const classicUdpBytes = 512;
/** What survives every path without fragments (DNS flag day 2020). */
const maxEdnsBytes = 1_232;
const classInternet = 1;
const optionRecordBytes = 11;

/** Never throws and never reads beyond `bytes`. */
export function parseDnsQuery(bytes: Uint8Array): DnsQuery | DnsFault | undefined {
  if (bytes.length < headerBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const id = view.getUint16(0);
  const flags = view.getUint16(2);
  // A response is never answered: two servers could keep one another busy for ever.
  if ((flags & 0x8000) !== 0) return undefined;
  if (((flags >> 11) & 15) !== 0) return { id, rcode: rcodes.notImplemented };
  if (view.getUint16(4) !== 1 || view.getUint16(6) !== 0) return { id, rcode: rcodes.formatError };
  const name = readName(bytes, headerBytes);
  if (name === undefined || name.end + 4 > bytes.length) return { id, rcode: rcodes.formatError };
  const type = view.getUint16(name.end);
  if (view.getUint16(name.end + 2) !== classInternet) return { id, rcode: rcodes.refused };
  const end = name.end + 4;
  const edns = view.getUint16(10) > 0 ? readEdns(view, end) : undefined;
  return {
    id,
    name: name.text,
    type,
    recursionDesired: (flags & 0x0100) !== 0,
    question: bytes.slice(headerBytes, end),
    maxUdpBytes: Math.min(maxEdnsBytes, Math.max(classicUdpBytes, edns ?? 0)),
    hasEdns: edns !== undefined,
  };
}

/** With recursion desired and room for large answers. `name` in lower case. Undefined: it is no name of DNS. */
export function encodeDnsQuery(id: number, name: string, type: number): Uint8Array | undefined {
  const labels = name.split(".");
  const isName =
    name.length + 2 <= maxNameBytes &&
    labels.every((label) => label.length > 0 && label.length <= maxLabelBytes && /^[!-~]+$/.test(label));
  if (!isName) return undefined;
  const message = new Uint8Array(headerBytes + name.length + 2 + 4 + optionRecordBytes);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, 0x0100);
  view.setUint16(4, 1);
  view.setUint16(10, 1);
  let at = headerBytes;
  for (const label of labels) {
    message[at++] = label.length;
    for (let i = 0; i < label.length; i++) message[at++] = label.charCodeAt(i);
  }
  at++;
  view.setUint16(at, type);
  view.setUint16(at + 2, classInternet);
  view.setUint16(at + 5, dnsTypes.opt);
  view.setUint16(at + 7, maxEdnsBytes);
  return message;
}

export interface DnsAnswer {
  readonly rcode: Rcode;
  /** Canonical text; those of the other family are left out. */
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  /** Of the whole message; what does not fit is left out and TC set. */
  readonly maxBytes: number;
}

export function encodeDnsAnswer(query: DnsQuery, answer: DnsAnswer): Uint8Array {
  const records: Uint8Array[] = [];
  const wanted = query.type === dnsTypes.a ? 4 : query.type === dnsTypes.aaaa ? 16 : 0;
  const ednsBytes = query.hasEdns ? optionRecordBytes : 0;
  let length = headerBytes + query.question.length + ednsBytes;
  let isTruncated = false;
  for (const address of answer.addresses) {
    const bytes = parseIp(address);
    if (bytes === undefined || bytes.length !== wanted) continue;
    if (length + 12 + wanted > answer.maxBytes) {
      isTruncated = true;
      break;
    }
    records.push(bytes);
    length += 12 + wanted;
  }
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  writeHeader(view, query.id, {
    rcode: answer.rcode,
    recursionDesired: query.recursionDesired,
    isAuthoritative: answer.rcode === rcodes.ok || answer.rcode === rcodes.nameError,
    isTruncated,
  });
  view.setUint16(4, 1);
  view.setUint16(6, records.length);
  view.setUint16(10, query.hasEdns ? 1 : 0);
  message.set(query.question, headerBytes);
  let at = headerBytes + query.question.length;
  for (const record of records) {
    view.setUint16(at, 0xc000 | headerBytes); // the question's name
    view.setUint16(at + 2, query.type);
    view.setUint16(at + 4, classInternet);
    view.setUint32(at + 6, answer.ttlSeconds);
    view.setUint16(at + 10, record.length);
    message.set(record, at + 12);
    at += 12 + record.length;
  }
  if (query.hasEdns) {
    view.setUint16(at + 1, dnsTypes.opt); // the root name is the zero byte before it
    view.setUint16(at + 3, maxEdnsBytes);
  }
  return message;
}

export function encodeDnsFault(fault: DnsFault): Uint8Array {
  const message = new Uint8Array(headerBytes);
  writeHeader(new DataView(message.buffer), fault.id, {
    rcode: fault.rcode,
    recursionDesired: false,
    isAuthoritative: false,
    isTruncated: false,
  });
  return message;
}

/** A forwarded answer that is too long for UDP: header and question only, with TC, so that the client asks over TCP. */
export function truncateDnsAnswer(query: DnsQuery, answer: Uint8Array): Uint8Array {
  const message = new Uint8Array(headerBytes + query.question.length);
  message.set(answer.subarray(0, headerBytes));
  message.set(query.question, headerBytes);
  const view = new DataView(message.buffer);
  view.setUint16(2, view.getUint16(2) | 0x0200);
  view.setUint16(4, 1);
  view.setUint16(6, 0);
  view.setUint16(8, 0);
  view.setUint16(10, 0);
  return message;
}

interface HeaderFlags {
  readonly rcode: Rcode;
  readonly recursionDesired: boolean;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
}

function writeHeader(view: DataView, id: number, flags: HeaderFlags): void {
  view.setUint16(0, id);
  view.setUint16(
    2,
    0x8000 |
      (flags.isAuthoritative ? 0x0400 : 0) |
      (flags.isTruncated ? 0x0200 : 0) |
      (flags.recursionDesired ? 0x0100 : 0) |
      0x0080 | // recursion is offered: names outside the mesh are forwarded
      flags.rcode,
  );
}

/** In a question there is nothing before it that a pointer could point to, so compression is malformed. */
function readName(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  let text = "";
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > maxLabelBytes) return undefined;
    at++;
    if (length === 0) return { text, end: at };
    if (at + length > bytes.length || at + length - start >= maxNameBytes) return undefined;
    if (text !== "") text += ".";
    for (const end = at + length; at < end; at++) {
      const byte = bytes[at] ?? 0;
      // A dot or a control byte inside a label would be another name in text.
      if (byte <= 0x20 || byte >= 0x7f || byte === 0x2e) return undefined;
      text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
    }
  }
}

/** The payload size of an OPT record that comes first among the additional ones; that is where clients put it. */
function readEdns(view: DataView, at: number): number | undefined {
  if (at + optionRecordBytes > view.byteLength || view.getUint8(at) !== 0) return undefined;
  return view.getUint16(at + 1) === dnsTypes.opt ? view.getUint16(at + 3) : undefined;
}
