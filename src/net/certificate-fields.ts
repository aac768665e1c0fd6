/**
 * Reads from a certificate's DER what we decide by: its names (SANs) and when it ends. From the bytes and
 * not from a printed form, in which a name could be made to look like two. Chain and signature are BoringSSL's work.
 */
import type { PeerCertificate } from "./tls.ts";

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

const tagSequence = 0x30;
const tagUtcTime = 0x17;
const tagGeneralizedTime = 0x18;
const tagOctetString = 0x04;
const tagExtensions = 0xa3;
const tagVersion = 0xa0;
/** GeneralName's uniformResourceIdentifier [6], RFC 5280 4.2.1.6. */
const tagUri = 0x86;
/** GeneralName's dNSName [2]. */
const tagDns = 0x82;
/** 2.5.29.17 as tag, length and value. */
const subjectAltName = [0x06, 0x03, 0x55, 0x1d, 0x11];
/** A SPIFFE id has at most 2,048 bytes and a certificate exactly one; more is no certificate of ours. */
const maxUriSans = 8;
/** Public authorities give at most 100 to 250. */
const maxForeignSans = 1_024;

export interface SubjectAltNames {
  readonly dns: readonly string[];
  readonly uris: readonly string[];
}

/** Undefined where the bytes are no certificate. */
export function parsePeerCertificate(der: Uint8Array): PeerCertificate | undefined {
  const fields = bodyOf(der);
  if (fields === undefined) return undefined;
  // version is optional; then serial, signature, issuer, validity, subject, key; then optional parts (RFC 5280 4.1).
  const first = fields[0]?.tag === tagVersion ? 1 : 0;
  const validity = fields[first + 3];
  const times = validity === undefined ? undefined : childrenOf(der, validity);
  const notAfterMs = times?.[1] === undefined ? undefined : parseTime(der, times[1]);
  const uriSans = namesOf(der, fields, { tag: tagUri, max: maxUriSans });
  if (notAfterMs === undefined || uriSans === undefined) return undefined;
  return { der, uriSans, notAfterMs };
}

/** Of a certificate of anybody's. Undefined where they cannot be read. */
export function parseSubjectAltNames(der: Uint8Array): SubjectAltNames | undefined {
  const fields = bodyOf(der);
  if (fields === undefined) return undefined;
  const dns = namesOf(der, fields, { tag: tagDns, max: maxForeignSans });
  const uris = namesOf(der, fields, { tag: tagUri, max: maxForeignSans });
  return dns === undefined || uris === undefined ? undefined : { dns, uris };
}

function bodyOf(der: Uint8Array): Element[] | undefined {
  const certificate = elementAt(der, 0, der.length);
  const body =
    certificate?.tag === tagSequence ? elementAt(der, certificate.start, certificate.end) : undefined;
  return body?.tag === tagSequence ? childrenOf(der, body) : undefined;
}

/** Subject alternative names of one form. Undefined where they cannot be read or are too many. */
function namesOf(
  der: Uint8Array,
  fields: readonly Element[],
  form: { readonly tag: number; readonly max: number },
): string[] | undefined {
  const wrapper = fields.find((field) => field.tag === tagExtensions);
  if (wrapper === undefined) return [];
  const list = elementAt(der, wrapper.start, wrapper.end);
  const extensions = list === undefined ? undefined : childrenOf(der, list);
  if (extensions === undefined) return undefined;
  const found: string[] = [];
  for (const extension of extensions) {
    const isSan = subjectAltName.every((byte, i) => der[extension.start + i] === byte);
    if (!isSan) continue;
    const value = childrenOf(der, extension)?.at(-1);
    const names = value?.tag === tagOctetString ? elementAt(der, value.start, value.end) : undefined;
    const parts = names?.tag === tagSequence ? childrenOf(der, names) : undefined;
    if (parts === undefined) return undefined;
    for (const part of parts) {
      if (part.tag !== form.tag) continue;
      const name = ascii(der, part);
      if (name === undefined || found.length === form.max) return undefined;
      found.push(name);
    }
  }
  return found;
}

/** RFC 5280 4.1.2.5: both forms end in Z and have seconds. */
function parseTime(der: Uint8Array, element: Element): number | undefined {
  const text = ascii(der, element);
  if (text === undefined) return undefined;
  const digits = element.tag === tagUtcTime ? text : element.tag === tagGeneralizedTime ? text.slice(2) : "";
  const match = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const century = element.tag === tagUtcTime ? (year < 50 ? 20 : 19) : Number(text.slice(0, 2));
  return Date.UTC(century * 100 + year, month - 1, day, hour, minute, second);
}

function ascii(der: Uint8Array, element: Element): string | undefined {
  let text = "";
  for (let i = element.start; i < element.end; i++) {
    const byte = der[i] ?? 0;
    if (byte < 0x21 || byte > 0x7e) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function childrenOf(der: Uint8Array, parent: Element): Element[] | undefined {
  const children: Element[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const child = elementAt(der, at, parent.end);
    if (child === undefined) return undefined;
    children.push(child);
    at = child.end;
  }
  return children;
}

/** Definite lengths of up to three bytes: a certificate is far below 16 MB. */
function elementAt(der: Uint8Array, at: number, limit: number): Element | undefined {
  const tag = der[at];
  let length = der[at + 1];
  if (tag === undefined || length === undefined || at + 2 > limit) return undefined;
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 3 || start + count > limit) return undefined;
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (der[start + i] ?? 0);
    start += count;
  }
  return start + length > limit ? undefined : { tag, start, end: start + length };
}
