/** Listens for gRPC: every connection's calls, one table of methods, drain and end. */
import {
  type Clock,
  type Drainable,
  type Log,
  type ReasonCode,
  reasons,
  systemClock,
  WeftError,
} from "../kernel/index.ts";
import type { Http2Limits, KeepAliveOptions } from "../http2/index.ts";
import {
  type Connection,
  type Listener,
  listen,
  type PeerCertificate,
  type ServerTls,
} from "../net/index.ts";
import type { MethodRegistration, ServiceRegistration } from "./method.ts";
import { ServerConnection } from "./server-connection.ts";

/** Each holds at most its windows (4 MiB) and usually some kilobytes; the next connection is reset. As many as a listener takes. */
const defaultMaxConnections = 16_384;
/** A flood of connections must not become a flood of lines. */
const overloadLogEveryUs = 10_000_000;

export interface GrpcServerOptions {
  readonly listen: { readonly hostname?: string; readonly port?: number; readonly unixPath?: string };
  /** Asked for each connection, so that a rotated identity is used at once. Absent: plaintext. */
  readonly tls?: () => ServerTls;
  readonly services: readonly ServiceRegistration[];
  readonly log: Log;
  readonly clock?: Clock;
  readonly limits?: Partial<Http2Limits>;
  readonly keepAlive?: KeepAliveOptions;
  readonly maxConnections?: number;
  /** A client's handshake was refused. */
  readonly onRefused?: (reason: ReasonCode) => void;
  /** Asked with a client's address before its handshake: why its connection is reset. Undefined: it is not. */
  readonly refuses?: (remoteAddress: string) => ReasonCode | undefined;
}

export interface GrpcServer extends Drainable {
  readonly hostname: string;
  readonly port: number;
  readonly connections: number;
  /** Ends the connections whose peer is no longer taken. Returns how many there were. */
  closePeers(isUnwanted: (peer: PeerCertificate) => boolean): number;
}

/** Throws WeftError address_in_use or permission. */
export function serveGrpc(options: GrpcServerOptions): GrpcServer {
  return new Server(options);
}

class Server implements GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #methods: ReadonlyMap<string, MethodRegistration>;
  readonly #listener: Listener;
  readonly #open = new Set<ServerConnection>();
  #drained: (() => void) | undefined = undefined;
  #unloggedSheds = 0;
  #nextShedLogUs = 0;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#methods = tableOf(options.services);
    this.#listener = listen({
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.refuses === undefined ? {} : { refuses: options.refuses }),
      onConnection: (connection) => this.#accept(connection),
      onRefused: (reason) => this.#shed(reason),
      onHandshakeFailed: (cause, remoteAddress, detail) => {
        if (cause === "overloaded") return this.#shed(cause);
        options.onRefused?.(cause);
        options.log.warn("gRPC client refused", {
          reason: cause,
          peer: remoteAddress,
          detail: detail === "" ? undefined : detail,
          hint: reasons[cause].hint,
        });
      },
    });
  }

  get hostname(): string {
    return this.#listener.hostname;
  }

  get port(): number {
    return this.#listener.port;
  }

  get connections(): number {
    return this.#open.size;
  }

  closePeers(isUnwanted: (peer: PeerCertificate) => boolean): number {
    const unwanted = [...this.#open].filter(({ peer }) => peer !== undefined && isUnwanted(peer));
    for (const connection of unwanted) connection.close();
    return unwanted.length;
  }

  drain(): Promise<void> {
    this.#listener.stopAccepting();
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    for (const connection of [...this.#open]) connection.drain();
    this.#resolveWhenEmpty();
    return drained;
  }

  close(): void {
    for (const connection of [...this.#open]) connection.close();
    this.#listener.closeAll();
  }

  /** Turned away before its handshake. */
  #shed(reason: ReasonCode): void {
    this.#options.onRefused?.(reason);
    this.#unloggedSheds++;
    const nowUs = (this.#options.clock ?? systemClock).monotonicUs();
    if (nowUs < this.#nextShedLogUs) return;
    this.#nextShedLogUs = nowUs + overloadLogEveryUs;
    const { hint } = reasons[reason];
    this.#options.log.warn("gRPC clients turned away", { reason, connections: this.#unloggedSheds, hint });
    this.#unloggedSheds = 0;
  }

  #accept(connection: Connection): void {
    const isWrongProtocol = this.#options.tls !== undefined && connection.alpn !== "h2";
    const isFull = this.#open.size >= (this.#options.maxConnections ?? defaultMaxConnections);
    if (isWrongProtocol || isFull) return connection.terminate();
    const { log, clock, limits, keepAlive } = this.#options;
    const accepted = new ServerConnection({
      transport: connection,
      peer: connection.peer,
      remoteAddress: connection.remoteAddress,
      methods: this.#methods,
      log,
      ...(clock === undefined ? {} : { clock }),
      ...(limits === undefined ? {} : { limits }),
      ...(keepAlive === undefined ? {} : { keepAlive }),
      onClosed: (closed) => {
        this.#open.delete(closed);
        this.#resolveWhenEmpty();
      },
    });
    this.#open.add(accepted);
  }

  #resolveWhenEmpty(): void {
    if (this.#open.size === 0) this.#drained?.();
  }
}

function tableOf(services: readonly ServiceRegistration[]): ReadonlyMap<string, MethodRegistration> {
  const methods = new Map<string, MethodRegistration>();
  for (const method of services.flat()) {
    if (methods.has(method.path)) throw new WeftError("internal", `${method.path} is implemented twice`);
    methods.set(method.path, method);
  }
  return methods;
}
