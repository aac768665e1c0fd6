/**
 * An accepted connection before it is anybody's, where a listener looks at what the client says first:
 *
 *   accepted --PROXY header--> --ClientHello--> terminate: TLS handshake | pass through | refuse
 *
 * One deadline and one place in the listener's bound cover all of it. What was read is handed on, never lost.
 */
import { ByteWriter, type ReasonCode, type Timer } from "../kernel/index.ts";
import { type BadHello, ClientHelloReader, encodeAlert, tlsAlerts } from "./client-hello.ts";
import type { ClientHello } from "./client-hello-body.ts";
import { Connection, type ConnectionSink, type Socket } from "./connection.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { type HandshakeDone, startServerTls } from "./server-handshake.ts";
import type { ServerTls } from "./tls.ts";

export type TlsDecision =
  | { readonly kind: "terminate"; readonly tls: ServerTls }
  | { readonly kind: "passthrough" }
  /** Told to the client as `unrecognized_name` where the reason is a missing route, else as `access_denied`. */
  | { readonly kind: "refuse"; readonly reason: ReasonCode };

/** Decides by what a client asks for before anybody answers it. */
export interface TlsInspector {
  inspect(hello: ClientHello): TlsDecision;
}

export class Arrival implements ConnectionSink {
  readonly #host: ConnectionHost;
  readonly #inspector: TlsInspector;
  readonly #done: HandshakeDone;
  readonly #connection: Connection;
  readonly #reader: ClientHelloReader;
  readonly #startMs: number;
  readonly #timer: Timer;
  /** All that came so far. */
  #bytes: Uint8Array;
  /** Holds them where they came in pieces. */
  #gathered: ByteWriter | undefined;
  #isSettled: boolean;

  constructor(host: ConnectionHost, inspector: TlsInspector, done: HandshakeDone) {
    this.#host = host;
    this.#inspector = inspector;
    this.#done = done;
    this.#connection = new Connection(host, undefined);
    this.#reader = new ClientHelloReader();
    this.#startMs = host.clock.monotonicUs() / 1000;
    this.#timer = host.clock.after(host.bounds.handshakeTimeoutMs, () => this.#fail("tls_handshake_failed"));
    this.#bytes = new Uint8Array(0);
    this.#gathered = undefined;
    this.#isSettled = false;
    host.handshakes++;
  }

  start(socket: Socket): void {
    socket.data = this.#connection;
    this.#connection.attach(socket);
    this.#connection.sink = this;
  }

  onData(chunk: Uint8Array): void {
    if (this.#isSettled) return;
    this.#gather(chunk);
    const hello = this.#reader.read(this.#bytes);
    if (hello === undefined) return;
    if (hello.kind === "hello") this.#decide(hello);
    else this.#refuseBad(hello);
  }

  onDrain(): void {}

  onEnd(): void {
    this.#fail("tls_handshake_failed");
  }

  onClose(): void {
    this.#fail("tls_handshake_failed");
  }

  #gather(chunk: Uint8Array): void {
    if (this.#bytes.length === 0) {
      this.#bytes = chunk;
      return;
    }
    if (this.#gathered === undefined) {
      this.#gathered = new ByteWriter(2 * (this.#bytes.length + chunk.length));
      this.#gathered.append(this.#bytes);
    }
    this.#gathered.append(chunk);
    this.#bytes = this.#gathered.view();
  }

  #decide(hello: ClientHello): void {
    const decision = this.#inspector.inspect(hello);
    const connection = this.#connection;
    connection.serverName = hello.serverName;
    switch (decision.kind) {
      case "terminate":
        this.#terminateTls(decision.tls);
        break;
      case "passthrough":
        connection.unread(this.#bytes, connection.addresses);
        this.#release();
        this.#done(connection, connection.remoteAddress);
        break;
      case "refuse":
        this.#refuse(decision.reason, alertFor(decision.reason));
        break;
    }
  }

  #terminateTls(tls: ServerTls): void {
    const parts = this.#connection.detach();
    if (parts === undefined) return;
    const { addresses, serverName } = this.#connection;
    const spentMs = this.#host.clock.monotonicUs() / 1000 - this.#startMs;
    this.#release();
    startServerTls({ ...parts, addresses, serverName, spentMs }, tls, this.#bytes, this.#done);
  }

  #refuseBad(hello: BadHello): void {
    this.#refuse("tls_handshake_failed", hello.alert);
  }

  #refuse(reason: ReasonCode, alert: number | undefined): void {
    this.#release();
    if (alert !== undefined) this.#connection.write(encodeAlert(alert));
    this.#connection.close();
    this.#done(reason, this.#connection.remoteAddress);
  }

  #fail(reason: ReasonCode): void {
    if (this.#isSettled) return;
    this.#release();
    this.#connection.terminate();
    this.#done(reason, this.#connection.remoteAddress);
  }

  #release(): void {
    this.#isSettled = true;
    this.#timer.cancel();
    this.#host.handshakes--;
  }
}

function alertFor(reason: ReasonCode): number {
  const isUnknown = reason === "no_route" || reason === "target_unknown" || reason === "destination_unknown";
  return isUnknown ? tlsAlerts.unrecognizedName : tlsAlerts.accessDenied;
}
