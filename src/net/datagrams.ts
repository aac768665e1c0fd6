/**
 * UDP sockets: one that many clients write to, and one that talks to a single peer. Datagrams that the system does not take
 * are lost, as they may be on any link; the caller is told and nothing waits for them.
 */
import { peek } from "bun";
import { WeftError } from "../kernel/index.ts";
import { errorCode, listenErrorCode } from "./causes.ts";
import { isReadable } from "./libc.ts";
import type { Listener } from "./listen.ts";

export interface DatagramServer {
  readonly hostname: string;
  /** What was bound. */
  readonly port: number;
  /** -1 once it is closed. */
  readonly fd: number;
  /** False: lost. */
  send(bytes: Uint8Array, port: number, address: string): boolean;
  close(): void;
}

export interface DatagramPeer {
  /** False: lost. */
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/** `bytes` are valid during the call only. */
type DatagramHandler = (bytes: Uint8Array, port: number, address: string) => void;

export interface DatagramListenOptions {
  readonly hostname: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Linux: other processes of this user that say so too may have the port; the kernel keeps a client with one of them. */
  readonly reusePort?: boolean;
  readonly onDatagram: DatagramHandler;
}

export interface DatagramConnectOptions {
  readonly address: string;
  readonly port: number;
  readonly onDatagram: DatagramHandler;
  /** The peer's machine says that nobody is there, or the way there broke. */
  onError(): void;
}

/** Bun has it, its types lack it: SO_REUSEPORT. Seen to work at 1.4.5. */
const reusePortFlag = 4;

interface ListenOptions extends Bun.udp.SocketOptions<"buffer"> {
  readonly flags: number;
}

/** Throws WeftError: address_in_use, permission, unavailable (not this machine's address), io. */
export function openDatagrams(options: DatagramListenOptions): DatagramServer {
  const { hostname, port, onDatagram } = options;
  const wanted: ListenOptions = {
    hostname,
    port,
    flags: options.reusePort === true ? reusePortFlag : 0,
    // An error of the socket is that of one datagram: it is lost, the next one may get through.
    socket: { data: (_, bytes, from, address) => onDatagram(bytes, from, address), error: () => {} },
  };
  let socket: Bun.udp.Socket<"buffer"> | undefined;
  try {
    socket = opened(Bun.udpSocket(wanted));
  } catch (cause) {
    const code = listenErrorCode(cause);
    const why = code === "address_in_use" ? "the address is in use" : (errorCode(cause) ?? "not an address");
    throw new WeftError(code, `listen on ${hostname}:${port}/udp: ${why}`, { cause });
  }
  if (socket === undefined) {
    throw new WeftError("unavailable", `listen on ${hostname}:${port}/udp: not an address`);
  }
  const bound = socket;
  return {
    hostname: bound.hostname,
    port: bound.port,
    get fd() {
      // Bun has it, its types lack it.
      return !bound.closed && "fd" in bound && typeof bound.fd === "number" ? bound.fd : -1;
    },
    send: (bytes, to, address) => attempt(() => bound.send(bytes, to, address)),
    close: () => bound.close(),
  };
}

/** For whoever hands a port over: stops listening as it closes. `unanswered`: how many datagrams still get an answer from it. */
export function datagramListener(server: DatagramServer, unanswered: () => number): Listener {
  return {
    hostname: server.hostname,
    port: server.port,
    get fd() {
      return server.fd;
    },
    get connections() {
      return server.fd < 0 ? 0 : unanswered();
    },
    get hasWaiting() {
      return server.fd >= 0 && (unanswered() > 0 || isReadable(server.fd));
    },
    stopAccepting: () => server.close(),
    terminatePeers: () => 0,
    closeAll: () => server.close(),
  };
}

/** Undefined: there is no way to the peer, or no descriptor left. */
export function connectDatagrams(options: DatagramConnectOptions): DatagramPeer | undefined {
  const { address, port, onDatagram } = options;
  let socket: Bun.udp.ConnectedSocket<"buffer"> | undefined;
  try {
    socket = opened(
      Bun.udpSocket({
        hostname: address.includes(":") ? "::" : "0.0.0.0",
        connect: { hostname: address, port },
        socket: {
          data: (_, bytes, from, peer) => onDatagram(bytes, from, peer),
          error: () => options.onError(),
        },
      }),
    );
  } catch {
    return undefined;
  }
  if (socket === undefined) return undefined;
  const connected = socket;
  return {
    send: (bytes) => attempt(() => connected.send(bytes)),
    close: () => connected.close(),
  };
}

/** With an address in the place of a name nothing is looked up, and the promise that comes back is a kept one. */
function opened<S extends Bun.udp.BaseUDPSocket>(opening: Promise<S>): S | undefined {
  const socket = peek(opening);
  if (!(socket instanceof Promise)) return socket;
  void socket.then(
    (late) => late.close(),
    () => {},
  );
  return undefined;
}

/** What is too long for a datagram, or has nowhere to go, throws. */
function attempt(send: () => boolean): boolean {
  try {
    return send();
  } catch {
    return false;
  }
}
