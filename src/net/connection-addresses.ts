/** Both ends of a connection, as text: the socket's own, or what a PROXY header said. */
import { canonicalIp } from "../kernel/index.ts";

/** Empty and 0 where there is none: Unix sockets, and what never got as far as a socket. */
export interface ConnectionAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export const noAddresses: ConnectionAddresses = {
  remoteAddress: "",
  remotePort: 0,
  localAddress: "",
  localPort: 0,
};

/** Not on Unix sockets, and not once it is closed. */
interface AddressedSocket {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
}

export function readAddresses(socket: AddressedSocket): ConnectionAddresses {
  return {
    remoteAddress: plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
  };
}

/** Dual-stack listeners report IPv4 peers as mapped IPv6. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.includes(":") ? (canonicalIp(address) ?? address) : address;
}
