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

/** Each of the four costs 1 to 2 µs (a system call and a string), most connections are never asked for most of them. */
export class SocketAddresses implements ConnectionAddresses {
  readonly #socket: AddressedSocket;
  #remoteAddress: string | undefined;
  #remotePort: number | undefined;
  #localAddress: string | undefined;
  #localPort: number | undefined;

  /** `isAccepted`: the client's address is read at once, because logs ask when the socket is closed and has none. */
  constructor(socket: AddressedSocket, isAccepted: boolean) {
    this.#socket = socket;
    this.#remoteAddress = isAccepted ? plainAddress(socket.remoteAddress) : undefined;
    this.#remotePort = undefined;
    this.#localAddress = undefined;
    this.#localPort = undefined;
  }

  get remoteAddress(): string {
    return (this.#remoteAddress ??= plainAddress(this.#socket.remoteAddress));
  }

  get remotePort(): number {
    return (this.#remotePort ??= this.#socket.remotePort ?? 0);
  }

  get localAddress(): string {
    return (this.#localAddress ??= plainAddress(this.#socket.localAddress));
  }

  get localPort(): number {
    return (this.#localPort ??= this.#socket.localPort ?? 0);
  }
}

/** Dual-stack listeners report IPv4 peers as mapped IPv6. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.includes(":") ? (canonicalIp(address) ?? address) : address;
}
