/**
 * An accepted connection before it is anybody's, where a listener looks at what comes first:
 *
 *   accepted --PROXY header--> [--ClientHello-->] TLS handshake | pass on | refuse
 *
 * One deadline and one place in the listener's bound cover all of it. What was read is handed on, never lost.
 */
import { ByteWriter, type ReasonCode, type Timer } from "../kernel/index.ts";
import { ClientHelloReader, encodeAlert, tlsAlerts } from "./client-hello.ts";
import type { ClientHello } from "./client-hello-body.ts";
import { Connection, type ConnectionSink, type Socket } from "./connection.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { readProxyHeader } from "./proxy-header.ts";
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

/** What happens before a connection is anybody's. */
export interface ArrivalSteps {
  readonly hasProxyHeader: boolean;
  /** Undefined: the client's bytes are handed on as they are. */
  readonly tls: (() => ServerTls) | TlsInspector | undefined;
}

export class Arrival implements ConnectionSink {
  readonly #host: ConnectionHost;
  readonly #tls: ArrivalSteps["tls"];
  readonly #done: HandshakeDone;
  readonly #connection: Connection;
  readonly #reader: ClientHelloReader;
  readonly #startMs: number;
  readonly #timer: Timer;
  /** All that came so far. */
  #bytes: Uint8Array;
  /** Holds them where they came in pieces. */
  #gathered: ByteWriter | undefined;
  #isHeaderDue: boolean;
  #isSettled: boolean;

  constructor(host: ConnectionHost, steps: ArrivalSteps, done: HandshakeDone) {
    this.#host = host;
    this.#tls = steps.tls;
    this.#done = done;
    this.#connection = new Connection(host, undefined);
    this.#reader = new ClientHelloReader();
    this.#startMs = host.clock.monotonicUs() / 1000;
    this.#timer = host.clock.deadline(host.bounds.handshakeTimeoutMs, () => this.#expire());
    this.#bytes = new Uint8Array(0);
    this.#gathered = undefined;
    this.#isHeaderDue = steps.hasProxyHeader;
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
    if (this.#isHeaderDue && !this.#takeHeader()) return;
    const tls = this.#tls;
    if (tls === undefined) this.#pass();
    else if ("inspect" in tls) this.#look(tls);
    else this.#terminateTls(tls());
  }

  onDrain(): void {}

  onEnd(): void {
    this.#fail();
  }

  onClose(): void {
    this.#fail();
  }

  /** True: there was one, and it is done with. */
  #takeHeader(): boolean {
    const header = readProxyHeader(this.#bytes);
    if (header === undefined) return false;
    if (header === "malformed") {
      this.#refuse("proxy_protocol_malformed", undefined);
      return false;
    }
    this.#isHeaderDue = false;
    this.#connection.convey(header.addresses);
    this.#bytes = this.#bytes.subarray(header.length);
    this.#gathered = undefined;
    return true;
  }

  #look(inspector: TlsInspector): void {
    const hello = this.#reader.read(this.#bytes);
    if (hello === undefined) return;
    if (hello.kind === "bad") this.#refuse("tls_handshake_failed", hello.alert);
    else this.#decide(inspector.inspect(hello), hello.serverName);
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

  #decide(decision: TlsDecision, serverName: string | undefined): void {
    this.#connection.serverName = serverName;
    switch (decision.kind) {
      case "terminate":
        this.#terminateTls(decision.tls);
        break;
      case "passthrough":
        this.#pass();
        break;
      case "refuse":
        this.#refuse(decision.reason, alertFor(decision.reason));
        break;
    }
  }

  #pass(): void {
    this.#release();
    this.#connection.unread(this.#bytes);
    this.#done(this.#connection, this.#connection.remoteAddress);
  }

  #terminateTls(tls: ServerTls): void {
    const parts = this.#connection.detach();
    if (parts === undefined) return;
    const { conveyed, serverName } = this.#connection;
    const spentMs = this.#host.clock.monotonicUs() / 1000 - this.#startMs;
    this.#release();
    startServerTls({ ...parts, conveyed, serverName, spentMs }, tls, this.#bytes, this.#done);
  }

  #refuse(reason: ReasonCode, alert: number | undefined): void {
    this.#release();
    if (alert !== undefined) this.#connection.write(encodeAlert(alert));
    this.#connection.close();
    this.#done(reason, this.#connection.remoteAddress);
  }

  /** The client left, or was too slow. */
  #fail(): void {
    if (this.#isSettled) return;
    const reason = this.#isHeaderDue ? "proxy_protocol_malformed" : "tls_handshake_failed";
    this.#release();
    this.#connection.terminate();
    this.#done(reason, this.#connection.remoteAddress);
  }

  #expire(): void {
    if (!this.#isSettled) this.#host.limitReached("handshakeTimeout");
    this.#fail();
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
