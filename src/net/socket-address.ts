/** sockaddr_in and sockaddr_in6 as bytes. Ports are in network order, the family in the machine's (little endian). */
import { formatIp, parseIp } from "../kernel/index.ts";

const familyIpv4 = 2;
const familyIpv6 = 10;

export interface AddressAndPort {
  readonly address: string;
  readonly port: number;
}

/** Undefined where `address` is no IP address. */
export function encodeSocketAddress(address: string, port: number): Uint8Array | undefined {
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const isIpv4 = ip.length === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  bytes[0] = isIpv4 ? familyIpv4 : familyIpv6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(ip, isIpv4 ? 4 : 8);
  return bytes;
}

export function parseSocketAddress(bytes: Uint8Array): AddressAndPort | undefined {
  const isIpv4 = bytes[0] === familyIpv4 && bytes.length >= 8;
  const isIpv6 = bytes[0] === familyIpv6 && bytes.length >= 24;
  if (!isIpv4 && !isIpv6) return undefined;
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  return { address: formatIp(isIpv4 ? bytes.subarray(4, 8) : bytes.subarray(8, 24)), port };
}
