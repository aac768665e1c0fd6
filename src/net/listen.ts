/** Listening sockets, TCP and Unix, plain and TLS. Owns the set of its connections; refuses nothing by itself. */
import { type ReasonCode, WeftError } from "../kernel/index.ts";
import { errorCode, listenErrorCode } from "./causes.ts";
import { Arrival, type ArrivalSteps, type TlsInspector } from "./arrival.ts";
import { Connection, type Socket } from "./connection.ts";
import { plainAddress } from "./connection-addresses.ts";
import {
  ConnectionHost,
  type ConnectionSettings,
  type HandshakeBounds,
  type ListenLimit,
} from "./connection-host.ts";
import { isReadable, libc } from "./libc.ts";
import { type HandshakeDone, startServerTls } from "./server-handshake.ts";
import { terminatePeers } from "./terminate-peers.ts";
import type { PeerCertificate, ServerTls } from "./tls.ts";
import { serverTlsOptions } from "./tls-options.ts";

const defaultBounds: ListenBounds = {
  /** Some 20 KB each with TLS and an HTTP session: 320 MB. What a workload needs more for is an attack or a leak. */
  maxConnections: 16_384,
  /** A handshake costs 0.5 ms of CPU, so this is half a second of work ahead; more would only time out in the queue. */
  maxHandshakes: 1_024,
  /** A peer's handshake takes two round trips; ten seconds cover a lost packet or two on a bad link. */
  handshakeTimeoutMs: 10_000,
};

/**
 * How many connections may wait to be accepted; the system's own bound (4,096) may be lower. Bun asks for 512: at 20,000
 * connections a second, a stall of 26 ms would fill that, and a client whose step is dropped tries again after a second.
 */
const backlog = 4_096;

export interface ListenOptions extends ConnectionSettings {
  /** Default: 127.0.0.1. */
  readonly hostname?: string;
  /** 0 or absent: the system chooses. */
  readonly port?: number;
  /** A Unix socket instead of `hostname` and `port`. */
  readonly unixPath?: string;
  /** Linux: several processes may share the port. */
  readonly reusePort?: boolean;
  /**
   * A function is asked for each connection, so that a rotated identity is used at once. An inspector is asked after
   * the client's hello, and may also pass the connection on as it is.
   */
  readonly tls?: ServerTls | (() => ServerTls) | TlsInspector;
  /**
   * Every connection begins with a PROXY header, before TLS, and has the addresses that it says. Only where nobody but
   * the load balancer can reach the port: anybody else could claim to be anyone.
   */
  readonly proxyProtocol?: "required";
  /**
   * In the place of `tls` and `proxyProtocol`, and asked for each connection: a port whose configuration changes keeps its
   * socket, and so loses nothing that waits in its queue.
   */
  readonly arrival?: () => ArrivalChoice;
  /** Set the connection's sink here. With TLS: after a verified handshake; passed through: the hello is its first data. */
  onConnection(connection: Connection): void;
  /** The connection is closed, or was never ours (`overloaded`). `detail`: what was wrong with a certificate, for the log. */
  onHandshakeFailed?(cause: ReasonCode, remoteAddress: string, detail: string): void;
  /** Asked with the client's address before anything is read or a handshake costs anything: why it is reset. Undefined: it is not. */
  refuses?(remoteAddress: string): ReasonCode | undefined;
  /** Asked for each connection: bounds may change while the listener stays open. Default: 16,384 connections, 1,024 handshakes of 10 s each. */
  readonly bounds?: () => ListenBounds;
  /** A connection was reset for `maxConnections`, or for what `refuses` said. */
  onRefused?(reason: ReasonCode): void;
  /** A connection was ended for this bound; `onRefused` or `onHandshakeFailed` says so too. */
  onLimit?(limit: ListenLimit): void;
}

interface ListenBounds extends HandshakeBounds {
  /** Open at once, handshakes included; beyond it, new connections are reset before anything is read. */
  readonly maxConnections: number;
}

export interface ArrivalChoice {
  readonly hasProxyHeader: boolean;
  /** Undefined: plaintext. */
  readonly tls: TlsInspector | undefined;
}

export interface Listener {
  /** The Unix path where it is one. */
  readonly hostname: string;
  /** What was bound; 0 for Unix sockets. */
  readonly port: number;
  /** -1 once it stopped accepting. */
  readonly fd: number;
  /** Open now, handshakes included. */
  readonly connections: number;
  /** Something would be lost if it stopped now: connections wait to be accepted, or questions for an answer. False where the system does not tell. */
  readonly hasWaiting: boolean;
  /** Connections stay. */
  stopAccepting(): void;
  /** Resets the connections whose verified peer is no longer wanted. Returns how many there were. */
  terminatePeers(isUnwanted: (peer: PeerCertificate) => boolean): number;
  /** Stops accepting and resets every connection. */
  closeAll(): void;
}

/** Bun has it, its types lack it. */
interface TcpOptions extends Bun.TCPSocketListenOptions<Connection | undefined> {
  readonly reusePort: boolean;
}

/** Throws WeftError: address_in_use, permission, unavailable (not this machine's address), io. */
export function listen(options: ListenOptions): Listener {
  const connections = new Set<Connection>();
  const bounds = options.bounds ?? ((): ListenBounds => defaultBounds);
  const host = new ConnectionHost(options, bounds, connections);
  const server = bind(options, handlersFor(options, host, bounds));
  // Both kinds have both properties at run time, so only the options tell which it is.
  const isUnix = options.unixPath !== undefined;
  // Bun has it, its types lack it.
  const fd = "fd" in server && typeof server.fd === "number" ? server.fd : -1;
  if (fd >= 0) libc?.listen(fd, backlog);
  let isAccepting = true;
  const stopAccepting = (): void => {
    isAccepting = false;
    server.stop(false);
  };
  return {
    hostname: options.unixPath ?? ("hostname" in server ? server.hostname : ""),
    port: !isUnix && "port" in server ? server.port : 0,
    get fd() {
      return isAccepting ? fd : -1;
    },
    get connections() {
      return connections.size;
    },
    get hasWaiting() {
      return isAccepting && isReadable(fd);
    },
    stopAccepting,
    terminatePeers: (isUnwanted) => terminatePeers(connections, isUnwanted),
    closeAll() {
      stopAccepting();
      for (const connection of [...connections]) connection.terminate();
    },
  };
}

type Handlers = Bun.SocketHandler<Connection | undefined>;

function handlersFor(options: ListenOptions, host: ConnectionHost, bounds: () => ListenBounds): Handlers {
  const { tls } = options;
  const hasProxyHeader = options.proxyProtocol === "required";
  const steps = {
    hasProxyHeader,
    tls: tls === undefined || typeof tls === "function" || "inspect" in tls ? tls : (): ServerTls => tls,
  };
  if (typeof steps.tls === "function") serverTlsOptions(steps.tls()); // fails now rather than at the first connection
  const isRefused = (socket: Socket): boolean => {
    const isFull = (host.connections?.size ?? 0) >= bounds().maxConnections;
    const refusal = isFull ? "overloaded" : options.refuses?.(plainAddress(socket.remoteAddress));
    if (refusal === undefined) return false;
    socket.terminate();
    if (isFull) host.limitReached("maxConnections");
    options.onRefused?.(refusal);
    return true;
  };
  const done: HandshakeDone = (result, remoteAddress, detail = "") => {
    if (result instanceof Connection) options.onConnection(result);
    else options.onHandshakeFailed?.(result, remoteAddress, detail);
  };
  const { arrival } = options;
  if (arrival !== undefined) {
    return {
      ...Connection.events,
      open(socket: Socket): void {
        if (isRefused(socket)) return;
        const choice = arrival();
        if (choice.hasProxyHeader || choice.tls !== undefined) arrive(socket, host, choice, done);
        else take(socket, host, options);
      },
    };
  }
  if (hasProxyHeader || (steps.tls !== undefined && "inspect" in steps.tls)) {
    return {
      ...Connection.events,
      open(socket: Socket): void {
        if (!isRefused(socket)) arrive(socket, host, steps, done);
      },
    };
  }
  const current = steps.tls;
  if (current !== undefined) {
    return {
      // No `data` handler: after the upgrade it would get all the ciphertext as well (9 % of a bulk transfer).
      drain() {},
      error(_socket: Socket, error: unknown): void {
        host.onDefect(error);
      },
      open(socket: Socket): void {
        if (!isRefused(socket)) startServerTls({ socket, host }, current(), undefined, done);
      },
    };
  }
  return {
    ...Connection.events,
    open(socket: Socket): void {
      if (!isRefused(socket)) take(socket, host, options);
    },
  };
}

function take(socket: Socket, host: ConnectionHost, options: ListenOptions): void {
  const connection = new Connection(host, undefined);
  socket.data = connection;
  connection.attach(socket);
  options.onConnection(connection);
}

function arrive(socket: Socket, host: ConnectionHost, steps: ArrivalSteps, done: HandshakeDone): void {
  if (host.handshakes < host.bounds.maxHandshakes) {
    new Arrival(host, steps, done).start(socket);
    return;
  }
  const remoteAddress = plainAddress(socket.remoteAddress);
  socket.terminate();
  host.limitReached("maxHandshakes");
  done("overloaded", remoteAddress);
}

function bind(
  options: ListenOptions,
  socket: Handlers,
): Bun.TCPSocketListener<Connection | undefined> | Bun.UnixSocketListener<Connection | undefined> {
  const hostname = options.hostname ?? "127.0.0.1";
  const port = options.port ?? 0;
  try {
    if (options.unixPath !== undefined) {
      return Bun.listen<Connection | undefined>({ unix: options.unixPath, allowHalfOpen: true, socket });
    }
    const tcp: TcpOptions = {
      hostname,
      port,
      allowHalfOpen: true,
      reusePort: options.reusePort ?? false,
      socket,
    };
    return Bun.listen<Connection | undefined>(tcp);
  } catch (cause) {
    throw listenError(options.unixPath ?? `${hostname}:${port}`, cause);
  }
}

function listenError(where: string, cause: unknown): WeftError {
  const code = listenErrorCode(cause);
  const causeCode = errorCode(cause) ?? "not an address";
  switch (code) {
    case "address_in_use":
      return new WeftError(code, `listen on ${where}: the address is in use`, {
        cause,
        hint: "end the program that holds it or choose another port",
      });
    case "permission":
      return new WeftError(code, `listen on ${where}: not permitted`, {
        cause,
        hint: "ports below 1024 need privileges",
      });
    case "unavailable":
      return new WeftError(code, `listen on ${where}: not an address of this machine`, { cause });
    default:
      return new WeftError(code, `listen on ${where} failed: ${causeCode}`, { cause });
  }
}
