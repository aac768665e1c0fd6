/**
 * What a header list must be to be a request, a response or trailers (RFC 9113, section 8). Returns what is wrong with
 * it, or undefined. A malformed message is a stream error, never passed on: downgraded to HTTP/1.1 it would smuggle.
 */
import type { HeaderFields } from "./header-fields.ts";

/** 1: allowed in a name: RFC 9110's token characters without upper case. */
const nameCharacters = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") nameCharacters[c.charCodeAt(0)] = 1;

/** Of one hop, and HTTP/1.1's (section 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** `acceptsExtendedConnect`: we announced that CONNECT may name a protocol (RFC 8441). */
export function checkRequest(fields: HeaderFields, acceptsExtendedConnect: boolean): string | undefined {
  let method: string | undefined;
  let scheme: string | undefined;
  let path: string | undefined;
  let authority: string | undefined;
  let protocol: string | undefined;
  let i = 0;
  for (; i < fields.count && fields.nameAt(i).startsWith(":"); i++) {
    const name = fields.nameAt(i);
    const value = fields.valueAt(i);
    if (name === ":method" && method === undefined) method = value;
    else if (name === ":scheme" && scheme === undefined) scheme = value;
    else if (name === ":path" && path === undefined) path = value;
    else if (name === ":authority" && authority === undefined) authority = value;
    else if (name === ":protocol" && protocol === undefined && acceptsExtendedConnect) protocol = value;
    else return `pseudo-header ${printable(name)} is unknown or repeated`;
    if (!isValue(value)) return `${name} has a forbidden character`;
  }
  if (method === undefined || !isToken(method)) return ":method is missing or no token";
  if (protocol !== undefined && (method !== "CONNECT" || !isToken(protocol))) {
    return ":protocol is no token or without CONNECT";
  }
  if (method === "CONNECT" && protocol === undefined) {
    if (scheme !== undefined || path !== undefined) return "CONNECT with :scheme or :path";
  } else {
    if (scheme === undefined || scheme === "") return ":scheme is missing";
    if (path === undefined || !isPath(path, method)) return ":path is missing or malformed";
  }
  if (method === "CONNECT" && (authority === undefined || authority === ""))
    return "CONNECT without :authority";
  const problem = checkRegular(fields, i);
  if (problem !== undefined) return problem;
  const host = fields.get("host");
  // Two answers to "which host" are how one hop's check is passed and another's is not.
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return "host differs from :authority";
  }
  return undefined;
}

/** Returns the status, or what is wrong. */
export function checkResponse(fields: HeaderFields): number | string {
  const status = fields.valueAt(0);
  if (fields.nameAt(0) !== ":status" || !/^[1-5][0-9][0-9]$/.test(status))
    return ":status is missing or malformed";
  return checkRegular(fields, 1) ?? Number(status);
}

export function checkTrailers(fields: HeaderFields): string | undefined {
  return checkRegular(fields, 0);
}

/** The number, undefined where there is none, "invalid" where it is none or several that differ. */
export function contentLengthOf(fields: HeaderFields): number | undefined | "invalid" {
  let length: number | undefined;
  for (let i = 0; i < fields.count; i++) {
    if (fields.nameAt(i) !== "content-length") continue;
    const text = fields.valueAt(i);
    const value = Number(text);
    if (!/^[0-9]{1,16}$/.test(text) || value > Number.MAX_SAFE_INTEGER) return "invalid";
    if (length !== undefined && length !== value) return "invalid";
    length = value;
  }
  return length;
}

function checkRegular(fields: HeaderFields, from: number): string | undefined {
  let hosts = 0;
  for (let i = from; i < fields.count; i++) {
    const name = fields.nameAt(i);
    const value = fields.valueAt(i);
    if (name.charCodeAt(0) === 0x3a) return `pseudo-header ${printable(name)} is misplaced or unknown`;
    if (!isFieldName(name)) return `field name ${printable(name)} is malformed`;
    if (!isValue(value)) return `field ${name} has a forbidden character`;
    if (connectionFields.has(name)) return `field ${name} is not allowed in HTTP/2`;
    if (name === "te" && value.toLowerCase() !== "trailers") return "te is not trailers";
    if (name === "host" && ++hosts > 1) return "host is repeated";
  }
  return undefined;
}

/** Origin form, or an asterisk for OPTIONS; visible ASCII and UTF-8 bytes only. */
function isPath(path: string, method: string): boolean {
  if (path === "*") return method === "OPTIONS";
  if (path.charCodeAt(0) !== 0x2f) return false;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c <= 0x20 || c === 0x7f || c === 0x23) return false; // "#" begins a fragment, which never travels
  }
  return true;
}

function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (nameCharacters[name.charCodeAt(i)] !== 1) return false;
  return name.length > 0;
}

function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const isUpper = c >= 0x41 && c <= 0x5a;
    if (!isUpper && nameCharacters[c] !== 1) return false;
  }
  return true;
}

/** No NUL, CR or LF inside, no white space around (section 8.2.1). */
function isValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false;
  for (let i = 0; i < length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0 || c === 10 || c === 13) return false;
  }
  return true;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
