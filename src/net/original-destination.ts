/** Where a redirected connection was going before nf_tables turned it to us. */
import type { Connection } from "./connection.ts";
import { readOption } from "./libc.ts";
import { type AddressAndPort, parseSocketAddress } from "./socket-address.ts";

const solIp = 0;
const solIpv6 = 41;
/** SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST. */
const originalDst = 80;

/** Undefined where the connection was not redirected (the kernel has no entry for it). */
export function originalDestination(connection: Connection): AddressAndPort | undefined {
  const fd = connection.fd;
  if (fd < 0) return undefined;
  // On dual-stack listeners an IPv4 connection answers to the IPv4 option, so the peer's family decides.
  const isIpv6 = connection.remoteAddress.includes(":");
  const bytes = isIpv6 ? readOption(fd, solIpv6, originalDst, 28) : readOption(fd, solIp, originalDst, 16);
  return bytes === undefined ? undefined : parseSocketAddress(bytes);
}
