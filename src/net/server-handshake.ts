/** One server-side TLS handshake on an accepted socket: bounded in number and time, judged before any byte is seen. */
import type { ReasonCode, Timer } from "../kernel/index.ts";
import { Connection, type Opening, type Socket } from "./connection.ts";
import { type ConnectionAddresses, plainAddress } from "./connection-addresses.ts";
import type { ConnectionHost } from "./connection-host.ts";
import type { ServerTls } from "./tls.ts";
import { judgeClient, serverTlsOptions } from "./tls-options.ts";

/** `remoteAddress` and `detail` are for the log of a refusal. */
export type HandshakeDone = (result: Connection | ReasonCode, remoteAddress: string, detail?: string) => void;

/** Bun's own type lacks these three; all work on accepted sockets. */
interface ServerUpgradeOptions extends Bun.TLSUpgradeOptions<Connection | undefined> {
  readonly isServer: true;
  readonly allowHalfOpen: true;
  /** Ciphertext that was read before the upgrade. */
  readonly initialData?: Uint8Array;
}

export interface AcceptedSocket {
  readonly socket: Socket;
  readonly host: ConnectionHost;
  /** What a PROXY header said. */
  readonly conveyed?: ConnectionAddresses | undefined;
  readonly serverName?: string | undefined;
  /** How much of the time for a handshake is gone already. */
  readonly spentMs?: number;
}

/** Upgrades instead of a TLS listener, because a listener keeps the certificate that it started with. */
export function startServerTls(
  accepted: AcceptedSocket,
  tls: ServerTls,
  alreadyRead: Uint8Array | undefined,
  done: HandshakeDone,
): void {
  const { socket, host } = accepted;
  if (host.handshakes >= host.bounds.maxHandshakes) {
    const remoteAddress = clientAddress(accepted);
    socket.terminate();
    host.limitReached("maxHandshakes");
    done("overloaded", remoteAddress);
    return;
  }
  new ServerHandshake(accepted, tls, done).start(socket, alreadyRead);
}

function clientAddress({ conveyed, socket }: AcceptedSocket): string {
  return conveyed?.remoteAddress ?? plainAddress(socket.remoteAddress);
}

class ServerHandshake implements Opening {
  readonly #host: ConnectionHost;
  readonly #tls: ServerTls;
  readonly #done: HandshakeDone;
  readonly #remoteAddress: string;
  readonly #connection: Connection;
  readonly #timer: Timer;
  #isSettled: boolean;

  constructor(accepted: AcceptedSocket, tls: ServerTls, done: HandshakeDone) {
    const { host } = accepted;
    this.#host = host;
    this.#tls = tls;
    this.#done = done;
    this.#remoteAddress = clientAddress(accepted);
    this.#connection = new Connection(host, this);
    this.#connection.serverName = accepted.serverName;
    this.#connection.isTls = true;
    this.#connection.convey(accepted.conveyed);
    this.#isSettled = false;
    host.handshakes++;
    this.#timer = host.clock.deadline(host.bounds.handshakeTimeoutMs - (accepted.spentMs ?? 0), () => {
      host.limitReached("handshakeTimeout");
      this.#fail("tls_handshake_failed");
    });
  }

  start(socket: Socket, alreadyRead: Uint8Array | undefined): void {
    try {
      const options: ServerUpgradeOptions = {
        isServer: true,
        allowHalfOpen: true,
        tls: serverTlsOptions(this.#tls),
        data: this.#connection,
        socket: Connection.events,
        ...(alreadyRead === undefined || alreadyRead.length === 0 ? {} : { initialData: alreadyRead }),
      };
      // Both raw handles go on to report ciphertext and closing; without data, nobody listens to them.
      const [raw] = socket.upgradeTLS(options);
      raw.data = undefined;
      socket.data = undefined;
    } catch (error) {
      // An identity that BoringSSL cannot read. The client is told nothing, the operator is.
      this.#host.onDefect(error);
      socket.terminate();
      this.#fail("tls_handshake_failed");
    }
  }

  onOpen(socket: Socket): void {
    this.#connection.attach(socket);
  }

  onDrain(): void {}

  onHandshake(socket: Socket, ok: boolean, error: unknown): void {
    if (this.#isSettled) return;
    const refusal = judgeClient(this.#connection, this.#tls, { socket, ok, error });
    if (ok) this.#connection.tlsVersion = socket.getTLSVersion();
    if (refusal === undefined) this.#settle(this.#connection);
    else this.#fail(refusal.reason, refusal.detail);
  }

  onClose(): void {
    this.#fail("tls_handshake_failed");
  }

  #fail(reason: ReasonCode, detail = ""): void {
    if (this.#isSettled) return;
    this.#settle(reason, detail);
    this.#connection.terminate();
  }

  #settle(result: Connection | ReasonCode, detail = ""): void {
    this.#isSettled = true;
    this.#host.handshakes--;
    this.#timer.cancel();
    if (result instanceof Connection) result.establish();
    this.#done(result, this.#remoteAddress, detail);
  }
}
