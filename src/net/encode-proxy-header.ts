/** Writes the PROXY protocol's header in front of a connection to a server that wants to know whose it is. */
import { parseIp } from "../kernel/index.ts";
import {
  fixedBytes2,
  signature2,
  tcpOverIpv4,
  tcpOverIpv6,
  unspecified,
  versionAndProxy,
} from "./proxy-header.ts";
import type { AddressAndPort } from "./socket-address.ts";

/** Ends without an IP address (Unix sockets) make the header say that the addresses are not known. */
export function encodeProxyHeader(
  version: 1 | 2,
  source: AddressAndPort,
  destination: AddressAndPort,
): Uint8Array {
  const sourceIp = parseIp(source.address);
  const destinationIp = parseIp(destination.address);
  if (sourceIp === undefined || destinationIp === undefined) {
    return version === 1
      ? Buffer.from("PROXY UNKNOWN\r\n", "latin1")
      : binary(unspecified, new Uint8Array(0));
  }
  // Both have one family: an IPv4 end beside an IPv6 one is written as IPv6 (RFC 4291 2.5.5.2).
  const isIpv4 = sourceIp.length === 4 && destinationIp.length === 4;
  const ends = [
    isIpv4 ? sourceIp : asIpv6(sourceIp),
    isIpv4 ? destinationIp : asIpv6(destinationIp),
  ] as const;
  if (version === 1) {
    const [from, to] = isIpv4 ? ends.map((ip) => ip.join(".")) : ends.map(ipv6Text);
    const line = `PROXY TCP${isIpv4 ? 4 : 6} ${from} ${to} ${source.port} ${destination.port}\r\n`;
    return Buffer.from(line, "latin1");
  }
  const ports = [source.port >> 8, source.port & 0xff, destination.port >> 8, destination.port & 0xff];
  return binary(isIpv4 ? tcpOverIpv4 : tcpOverIpv6, Uint8Array.of(...ends[0], ...ends[1], ...ports));
}

function binary(family: number, addresses: Uint8Array): Uint8Array {
  const header = new Uint8Array(fixedBytes2 + addresses.length);
  header.set(signature2);
  header[12] = versionAndProxy;
  header[13] = family;
  header[15] = addresses.length;
  header.set(addresses, fixedBytes2);
  return header;
}

function asIpv6(ip: Uint8Array): Uint8Array {
  return ip.length === 16 ? ip : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ip);
}

/** Written out in full: the canonical form of a mapped address would be IPv4. */
function ipv6Text(ip: Uint8Array): string {
  return Array.from({ length: 8 }, (_, i) =>
    (((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0)).toString(16),
  ).join(":");
}
