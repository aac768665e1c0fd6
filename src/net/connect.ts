/** Outgoing connections, TCP and Unix, plain and TLS: one deadline over all steps, cancellable, one result. */
import { parseIp, type ReasonCode, type Timer, WeftError } from "../kernel/index.ts";
import { closeCause, errnoName, errorCode } from "./causes.ts";
import { Connection, type Opening, type Socket } from "./connection.ts";
import { ConnectionHost, type ConnectionSettings, type HandshakeBounds } from "./connection-host.ts";
import {
  closeOwnSocket,
  hasOwnSockets,
  isEstablished,
  openOwnSocket,
  type TcpKeepAlive,
} from "./own-socket.ts";
import type { ClientTls } from "./tls.ts";
import { clientTlsOptions, judgeServer } from "./tls-options.ts";

declare module "bun" {
  /** Bun has it, its types lack it: adopts a descriptor. */
  function connect<Data = undefined>(options: FdSocketOptions<Data>): Promise<Socket<Data>>;
}

export interface ConnectOptions extends ConnectionSettings {
  /** An IP address; a name is resolved by the system. Ignored with `unixPath`. */
  readonly address: string;
  readonly port: number;
  readonly unixPath?: string;
  /** For everything until `done`: connection and TLS handshake. */
  readonly timeoutMs: number;
  readonly tls?: ClientTls;
  /** SO_MARK, so that capture rules let the connection pass. Linux with NET_ADMIN or NET_RAW; an address, no name. */
  readonly mark?: number;
  /** Source address; Linux, and `address` must be no name. */
  readonly localAddress?: string;
  /** Linux, and `address` must be no name: elsewhere it is left aside. */
  readonly keepAlive?: TcpKeepAlive;
  /** The connection is in here for as long as it is open. */
  readonly members?: Set<Connection>;
}

export interface ConnectFailure {
  readonly reason: ReasonCode;
  /** For the log: what failed, against whom. */
  readonly detail: string;
}

export interface PendingConnect {
  /** Ends the attempt; `done` is not called any more. Nothing after `done`. */
  cancel(): void;
}

/** Calls `done` once, never before `connect` has returned. With TLS: after the server was verified. */
export function connect(
  options: ConnectOptions,
  done: (result: Connection | ConnectFailure) => void,
): PendingConnect {
  const attempt = new ConnectAttempt(options, done);
  attempt.start();
  return attempt;
}

/** Servers' bounds mean nothing here. */
const noBounds: HandshakeBounds = { maxHandshakes: 0, handshakeTimeoutMs: 0 };
const outgoingBounds = (): HandshakeBounds => noBounds;

class ConnectAttempt implements Opening, PendingConnect {
  readonly #options: ConnectOptions;
  readonly #done: (result: Connection | ConnectFailure) => void;
  readonly #connection: Connection;
  readonly #timer: Timer;
  #isStarting: boolean;
  #isSettled: boolean;
  #isCancelled: boolean;
  #isTlsStarted: boolean;

  constructor(options: ConnectOptions, done: (result: Connection | ConnectFailure) => void) {
    this.#options = options;
    this.#done = done;
    const host = new ConnectionHost(options, outgoingBounds, options.members, false);
    this.#connection = new Connection(host, this);
    this.#timer = host.clock.deadline(options.timeoutMs, () => {
      this.#fail("upstream_connect_timeout", `took longer than ${options.timeoutMs} ms`);
    });
    this.#isStarting = false;
    this.#isSettled = false;
    this.#isCancelled = false;
    this.#isTlsStarted = false;
  }

  start(): void {
    this.#isStarting = true;
    try {
      this.#begin();
    } catch (error) {
      if (error instanceof WeftError) throw error;
      this.#fail("upstream_tls_failed", errorCode(error) ?? "TLS settings not usable");
    }
    this.#isStarting = false;
  }

  cancel(): void {
    this.#isCancelled = true;
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#timer.cancel();
    this.#connection.terminate();
  }

  onOpen(socket: Socket): void {
    this.#connection.attach(socket);
    if (this.#isSettled) this.#connection.terminate();
    else this.#proceed();
  }

  onDrain(): void {
    if (!this.#isSettled) this.#proceed();
  }

  onHandshake(socket: Socket, ok: boolean, error: unknown): void {
    if (this.#isSettled || this.#options.tls === undefined) return;
    const cause = closeCause(error);
    if (!ok && (cause === "refused" || cause === "unreachable" || cause === "timeout")) {
      this.#fail("upstream_connect_failed", cause);
      return;
    }
    const failure = judgeServer(this.#connection, this.#options.tls, { socket, ok, error });
    if (failure === undefined) this.#settle(this.#connection);
    else this.#fail(failure.reason, failure.detail);
  }

  onClose(error: unknown): void {
    const cause = closeCause(error);
    const isTls = this.#isTlsStarted && (cause === "ended" || cause === "reset" || cause === "tls");
    if (isTls) this.#fail("upstream_tls_failed", "closed during the handshake");
    else this.#fail("upstream_connect_failed", cause);
  }

  #begin(): void {
    const options = this.#options;
    const isAddress = options.unixPath === undefined && parseIp(options.address) !== undefined;
    const needsOwn = options.mark !== undefined || options.localAddress !== undefined;
    if (isAddress && hasOwnSockets) {
      const own = openOwnSocket(options);
      if ("fd" in own) this.#adopt(own.fd);
      else this.#fail("upstream_connect_failed", `${own.call}: ${errnoName(own.errno)}`);
    } else if (needsOwn) {
      this.#fail("internal", "a mark or source address needs Linux and an address that is no name");
    } else {
      const { address: hostname, port, unixPath } = options;
      this.#open(unixPath === undefined ? { hostname, port } : { unix: unixPath });
    }
  }

  #adopt(fd: number): void {
    try {
      this.#open({ fd });
    } catch (error) {
      // TLS settings that BoringSSL cannot read: Bun did not take the descriptor.
      closeOwnSocket(fd);
      throw error;
    }
  }

  #open(target: { hostname: string; port: number } | { unix: string } | { fd: number }): void {
    const common = {
      allowHalfOpen: true,
      data: this.#connection,
      socket: Connection.events,
      ...(this.#options.tls === undefined ? {} : { tls: clientTlsOptions(this.#options.tls) }),
    };
    const opened =
      "fd" in target
        ? Bun.connect<Connection | undefined>({ ...common, ...target })
        : "unix" in target
          ? Bun.connect<Connection | undefined>({ ...common, ...target })
          : Bun.connect<Connection | undefined>({ ...common, ...target });
    // The events tell all that there is to know; a name that does not resolve comes only this way.
    opened.catch((error: unknown) => this.onClose(error));
  }

  /** Bun calls an adopted socket open while it still connects, and takes no byte until it is connected. */
  #proceed(): void {
    const fd = this.#connection.fd;
    if (this.#options.unixPath === undefined && hasOwnSockets && fd >= 0 && !isEstablished(fd)) return;
    if (this.#options.tls === undefined) this.#settle(this.#connection);
    else this.#isTlsStarted = true;
  }

  #fail(reason: ReasonCode, detail: string): void {
    if (this.#isSettled) return;
    const { unixPath, address, port } = this.#options;
    const where = unixPath ?? (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
    this.#settle({ reason, detail: `connect to ${where}: ${detail}` });
    this.#connection.terminate();
  }

  #settle(result: Connection | ConnectFailure): void {
    this.#isSettled = true;
    this.#timer.cancel();
    if (result instanceof Connection) result.establish();
    if (!this.#isStarting) {
      this.#done(result);
      return;
    }
    queueMicrotask(() => {
      if (!this.#isCancelled) this.#done(result);
      else if (result instanceof Connection) result.terminate();
    });
  }
}
