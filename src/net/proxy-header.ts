/**
 * Reads the PROXY protocol's header, versions 1 and 2, with which a load balancer in front of us says whose connection it
 * forwards. Strict: whoever can reach the port could claim any address, and a header that we read differently from its
 * author would be a claim that nobody made.
 */
import { formatIp, parseIp } from "../kernel/index.ts";
import type { ConnectionAddresses } from "./connection-addresses.ts";

export interface ProxyHeader {
  /** What follows is the client's. */
  readonly length: number;
  /** Undefined: the load balancer speaks for itself (a health check) or does not know; the socket's own ones hold. */
  readonly addresses: ConnectionAddresses | undefined;
}

const start1 = Buffer.from("PROXY ", "latin1");
/** Section 2.1: the longest line, its end included. */
const maxLineBytes = 107;
const lineFeed = 0x0a;

export const signature2: Uint8Array = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
export const fixedBytes2 = 16;
/** Section 2.2 asks for 536 at least; ten times that leaves room for what cloud providers and TLS terminators add. */
const maxBytes2 = 5_360;
const versionAndLocal = 0x20;
export const versionAndProxy = 0x21;
/** Address family and transport; all others are Unix sockets, datagrams or reserved. */
export const unspecified = 0x00;
export const tcpOverIpv4 = 0x11;
export const tcpOverIpv6 = 0x21;

/** `bytes`: all that came so far. Undefined: more is needed. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | "malformed" | undefined {
  const start = bytes[0] === signature2[0] ? signature2 : start1;
  const known = Math.min(bytes.length, start.length);
  for (let i = 0; i < known; i++) if (bytes[i] !== start[i]) return "malformed";
  if (known < start.length) return undefined;
  return start === start1 ? readLine(bytes) : readBinary(bytes);
}

function readLine(bytes: Uint8Array): ProxyHeader | "malformed" | undefined {
  const end = bytes.subarray(0, maxLineBytes).indexOf(lineFeed);
  if (end < 0) return bytes.length < maxLineBytes ? undefined : "malformed";
  const line = Buffer.from(bytes.subarray(0, end + 1)).toString("latin1");
  const length = line.length;
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { length, addresses: undefined };
  const match = /^PROXY TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) (\d+) (\d+)\r\n$/.exec(line);
  if (match === null) return "malformed";
  const [, family = "", remote = "", local = "", remotePortText = "", localPortText = ""] = match;
  const remotePort = parsePort(remotePortText);
  const localPort = parsePort(localPortText);
  const remoteIp = parseFamily(remote, family);
  const localIp = parseFamily(local, family);
  if (remoteIp === undefined || localIp === undefined) return "malformed";
  if (remotePort === undefined || localPort === undefined) return "malformed";
  const addresses = {
    remoteAddress: formatIp(remoteIp),
    remotePort,
    localAddress: formatIp(localIp),
    localPort,
  };
  return { length, addresses };
}

function parseFamily(address: string, family: string): Uint8Array | undefined {
  const ip = parseIp(address);
  return ip?.length === (family === "4" ? 4 : 16) ? ip : undefined;
}

function parsePort(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function readBinary(bytes: Uint8Array): ProxyHeader | "malformed" | undefined {
  const command = bytes[12];
  if (command === undefined) return undefined;
  if (command !== versionAndLocal && command !== versionAndProxy) return "malformed";
  if (bytes.length < fixedBytes2) return undefined;
  const family = bytes[13];
  const length = fixedBytes2 + u16(bytes, 14);
  if (length > maxBytes2) return "malformed";
  // Section 2.2: after LOCAL the family is to be ignored, whatever it is.
  const ipBytes = command === versionAndLocal ? 0 : addressBytes(family);
  const behindAddresses =
    ipBytes === undefined ? length + 1 : fixedBytes2 + (ipBytes === 0 ? 0 : 2 * ipBytes + 4);
  if (ipBytes === undefined || behindAddresses > length) return "malformed";
  if (bytes.length < length) return undefined;
  if (ipBytes === 0) return { length, addresses: undefined };
  if (!areExtensionsWhole(bytes, behindAddresses, length)) return "malformed";
  const ports = fixedBytes2 + 2 * ipBytes;
  const addresses = {
    remoteAddress: formatIp(bytes.subarray(fixedBytes2, fixedBytes2 + ipBytes)),
    remotePort: u16(bytes, ports),
    localAddress: formatIp(bytes.subarray(fixedBytes2 + ipBytes, ports)),
    localPort: u16(bytes, ports + 2),
  };
  return { length, addresses };
}

function addressBytes(family: number | undefined): 0 | 4 | 16 | undefined {
  if (family === unspecified) return 0;
  if (family === tcpOverIpv4) return 4;
  return family === tcpOverIpv6 ? 16 : undefined;
}

/** Type, two bytes of length, value: none of them says anything that we act on, but they must fill the header exactly. */
function areExtensionsWhole(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at + 3 <= end) at += 3 + u16(bytes, at + 1);
  return at === end;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
