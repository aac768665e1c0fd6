/** The value of Host, and the authority of a target: RFC 9110 7.2 and RFC 3986 3.2.2, without userinfo (9110 4.2.4). */
import { parseIp } from "../kernel/index.ts";
import { colon, hexValue, isAuthorityByte } from "./characters.ts";

const openBracket = 0x5b;
const closeBracket = 0x5d;
const percent = 0x25;
const maxPort = 65_535;
/** "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" */
const maxAddressBytes = 45;

/** Empty, or a host and perhaps a port: a bracketed IPv6 address, or a name whose escapes are whole. */
export function isAuthority(bytes: Buffer, start: number, end: number): boolean {
  // An empty value names no host, but is what a client without one must send (RFC 9110 7.2).
  if (start === end) return true;
  const hostEnd =
    bytes[start] === openBracket ? endOfAddress(bytes, start, end) : endOfName(bytes, start, end);
  // ":80" names no host and is not empty.
  if (hostEnd <= start) return false;
  if (hostEnd === end) return true;
  return bytes[hostEnd] === colon && isPort(bytes, hostEnd + 1, end);
}

/** Of `[address]`; -1 where there is none. No zone, no address of a future version: they mean nothing to other hosts. */
function endOfAddress(bytes: Buffer, start: number, end: number): number {
  let at = start + 1;
  while (at < end && bytes[at] !== closeBracket) at++;
  if (at === end || at - start - 1 > maxAddressBytes) return -1;
  return parseIp(bytes.toString("latin1", start + 1, at))?.length === 16 ? at + 1 : -1;
}

/** Of a registered name or an IPv4 address; -1 where a byte cannot be in one. */
function endOfName(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === colon) return at;
    if (isAuthorityByte[byte] !== 1) return -1;
    if (byte !== percent) continue;
    if (at + 2 >= end || hexValue[bytes[at + 1] ?? 0] === 255 || hexValue[bytes[at + 2] ?? 0] === 255)
      return -1;
  }
  return end;
}

/** Digits, or nothing (RFC 3986 3.2.3). */
function isPort(bytes: Buffer, start: number, end: number): boolean {
  let port = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > maxPort) return false;
  }
  return true;
}
