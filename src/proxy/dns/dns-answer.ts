/**
 * What a resolver says about a name, read from its answer: addresses at the end of the chain of aliases, and for how long.
 * Nothing that it sends is followed twice or allocated for before it is checked.
 */
import { formatIp } from "../../kernel/index.ts";
import { dnsTypes, type Rcode, rcodes } from "./dns-message.ts";

export interface DnsAnswerContent {
  readonly rcode: number;
  /** There is more, over TCP. */
  readonly isTruncated: boolean;
  /** Canonical, without repetition, in the order of the answer. */
  readonly addresses: readonly string[];
  /** Of the records on the way; without addresses, for how long there are none (RFC 2308). Undefined: not said. */
  readonly ttlSeconds: number | undefined;
}

const headerBytes = 12;
const maxNameBytes = 255;
/** Records beyond are not looked at; no resolver gives as many that matter. */
const maxRecords = 256;
const maxAliases = 16;
/** More addresses than this are left out: connections are spread over the first ones well enough. */
const maxAddresses = 32;
const soa = 6;
const cname = 5;
const classInternet = 1;
/** RFC 2181 section 8. */
const maxTtl = 0x7fff_ffff;

interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  /** Where its content begins, and how long it is. */
  readonly at: number;
  readonly length: number;
}

/** `name` in lower case, `question` as it was asked. Undefined: no answer to it, or not readable. */
export function parseDnsAnswer(
  bytes: Uint8Array,
  question: { readonly id: number; readonly name: string; readonly type: number },
): DnsAnswerContent | undefined {
  if (bytes.length < headerBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  const isAnswer = view.getUint16(0) === question.id && (flags & 0x8000) !== 0 && view.getUint16(4) === 1;
  const asked = isAnswer ? readName(bytes, headerBytes) : undefined;
  if (asked === undefined || asked.end + 4 > bytes.length || asked.text !== question.name) return undefined;
  if (view.getUint16(asked.end) !== question.type) return undefined;
  const isTruncated = (flags & 0x0200) !== 0;
  const rcode = flags & 15;
  const answers = readRecords(view, asked.end + 4, view.getUint16(6));
  if (answers === undefined) return isTruncated ? empty(rcode, true) : undefined;
  const { name, ttl } = followAliases(bytes, answers.records, question.name);
  const found = answers.records.filter((record) => record.name === name && record.type === question.type);
  const size = question.type === dnsTypes.a ? 4 : 16;
  const addresses = found.flatMap(({ at, length }) =>
    length === size ? [formatIp(bytes.subarray(at, at + length))] : [],
  );
  if (addresses.length > 0) {
    const ttlSeconds = Math.min(ttl, ...found.map((record) => record.ttl));
    return { rcode, isTruncated, addresses: [...new Set(addresses)].slice(0, maxAddresses), ttlSeconds };
  }
  const authorities = readRecords(view, answers.end, view.getUint16(8));
  return { rcode, isTruncated, addresses: [], ttlSeconds: negativeTtl(view, authorities?.records ?? []) };
}

function empty(rcode: number, isTruncated: boolean): DnsAnswerContent {
  return { rcode, isTruncated, addresses: [], ttlSeconds: undefined };
}

/** Whether the resolver knows that there is nothing, rather than failing to find out. */
export function isCertain(rcode: number): rcode is Rcode {
  return rcode === rcodes.ok || rcode === rcodes.nameError;
}

function followAliases(
  bytes: Uint8Array,
  records: readonly DnsRecord[],
  start: string,
): { name: string; ttl: number } {
  let name = start;
  let ttl = maxTtl;
  for (let hops = 0; hops < maxAliases; hops++) {
    const alias = records.find((record) => record.name === name && record.type === cname);
    const target = alias && readName(bytes, alias.at);
    if (alias === undefined || target === undefined) break;
    name = target.text;
    ttl = Math.min(ttl, alias.ttl);
  }
  return { name, ttl };
}

/** Of an SOA record: the lesser of its own TTL and the minimum that it ends with. */
function negativeTtl(view: DataView, records: readonly DnsRecord[]): number | undefined {
  const record = records.find((each) => each.type === soa);
  if (record === undefined || record.length < 20) return undefined;
  return Math.min(record.ttl, clampTtl(view.getUint32(record.at + record.length - 4)));
}

function readRecords(
  view: DataView,
  start: number,
  count: number,
): { readonly records: DnsRecord[]; readonly end: number } | undefined {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const records: DnsRecord[] = [];
  let at = start;
  for (let i = 0; i < Math.min(count, maxRecords); i++) {
    const name = readName(bytes, at);
    if (name === undefined || name.end + 10 > bytes.length) return undefined;
    const length = view.getUint16(name.end + 8);
    const content = name.end + 10;
    if (content + length > bytes.length) return undefined;
    at = content + length;
    if (view.getUint16(name.end + 2) !== classInternet) continue;
    records.push({
      name: name.text,
      type: view.getUint16(name.end),
      ttl: clampTtl(view.getUint32(name.end + 4)),
      at: content,
      length,
    });
  }
  return { records, end: at };
}

function clampTtl(ttl: number): number {
  return ttl > maxTtl ? 0 : ttl;
}

/** Lower case, without the final dot. Pointers lead backwards only, so that none can lead in circles. */
function readName(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  let text = "";
  let at = start;
  let end = -1;
  let lowest = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if ((length & 0xc0) === 0xc0) {
      const target = ((length & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (at + 1 >= bytes.length || target >= lowest) return undefined;
      if (end < 0) end = at + 2;
      lowest = target;
      at = target;
      continue;
    }
    if (length > 63) return undefined;
    at++;
    if (length === 0) return { text, end: end < 0 ? at : end };
    if (at + length > bytes.length || text.length + length > maxNameBytes) return undefined;
    if (text !== "") text += ".";
    for (const last = at + length; at < last; at++) {
      const byte = bytes[at] ?? 0;
      if (byte <= 0x20 || byte >= 0x7f || byte === 0x2e) return undefined;
      text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
    }
  }
}
