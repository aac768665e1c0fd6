/**
 * What a header list must be to be a request, a response or trailers (RFC 9113, section 8). Returns what is wrong with
 * it, or undefined. A malformed message is a stream error, never passed on: downgraded to HTTP/1.1 it would smuggle.
 * Reads the list field by field; head-check.ts judges the same while a block is decoded, and is compared with this.
 */
import { consistsOf, isBlank, isNameByte, isValueByte } from "./characters.ts";
import type { HeaderFields } from "./header-fields.ts";
import {
  connectionFields,
  contentLengthValue,
  type RequestPseudo,
  requestPseudoProblem,
} from "./pseudo-rules.ts";

/** `acceptsExtendedConnect`: we announced that CONNECT may name a protocol (RFC 8441). */
export function checkRequest(fields: HeaderFields, acceptsExtendedConnect: boolean): string | undefined {
  const pseudo: { -readonly [Name in keyof RequestPseudo]: string | undefined } = {
    method: undefined,
    scheme: undefined,
    path: undefined,
    authority: undefined,
    protocol: undefined,
  };
  let i = 0;
  for (; i < fields.count && fields.nameAt(i).startsWith(":"); i++) {
    const name = fields.nameAt(i);
    const value = fields.valueAt(i);
    if (name === ":method" && pseudo.method === undefined) pseudo.method = value;
    else if (name === ":scheme" && pseudo.scheme === undefined) pseudo.scheme = value;
    else if (name === ":path" && pseudo.path === undefined) pseudo.path = value;
    else if (name === ":authority" && pseudo.authority === undefined) pseudo.authority = value;
    else if (name === ":protocol" && pseudo.protocol === undefined) pseudo.protocol = value;
    else return `pseudo-header ${printable(name)} is unknown or repeated`;
    if (!isValue(value)) return `${name} has a forbidden character`;
  }
  return (
    requestPseudoProblem(pseudo, acceptsExtendedConnect) ??
    checkRegular(fields, i) ??
    hostProblem(fields.get("host"), pseudo.authority)
  );
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
    const value = contentLengthValue(fields.valueAt(i));
    if (value === undefined || (length !== undefined && length !== value)) return "invalid";
    length = value;
  }
  return length;
}

/** Two answers to "which host" are how one hop's check is passed and another's is not. */
export function hostProblem(host: string | undefined, authority: string | undefined): string | undefined {
  if (host === undefined || authority === undefined || host === authority) return undefined;
  return host.toLowerCase() === authority.toLowerCase() ? undefined : "host differs from :authority";
}

function checkRegular(fields: HeaderFields, from: number): string | undefined {
  let hosts = 0;
  for (let i = from; i < fields.count; i++) {
    const name = fields.nameAt(i);
    const value = fields.valueAt(i);
    if (name.charCodeAt(0) === 0x3a) return `pseudo-header ${printable(name)} is misplaced or unknown`;
    if (name === "" || !consistsOf(name, isNameByte)) return `field name ${printable(name)} is malformed`;
    if (!isValue(value)) return `field ${name} has a forbidden character`;
    if (connectionFields.has(name)) return `field ${name} is not allowed in HTTP/2`;
    if (name === "te" && value.toLowerCase() !== "trailers") return "te is not trailers";
    if (name === "host" && ++hosts > 1) return "host is repeated";
  }
  return undefined;
}

/** No control characters inside, no white space around (section 8.2.1). */
function isValue(value: string): boolean {
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))) return false;
  return consistsOf(value, isValueByte);
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
