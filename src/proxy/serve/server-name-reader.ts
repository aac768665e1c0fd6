/**
 * Reads the server name of a TLS connection of the local application without answering it: the connection is another's
 * once its ClientHello is whole. One that speaks no TLS, or is too slow, is refused.
 *
 *   listening --ClientHello--> done | --other bytes, end, deadline--> refused
 */
import type { ReasonCode, Timer } from "../../kernel/index.ts";
import {
  ClientHelloReader,
  type Connection,
  type ConnectionSink,
  encodeAlert,
  tlsAlerts,
} from "../../net/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";

export interface ServerNameListener {
  /** `read`: all that came so far. Takes the connection over. */
  onServerName(serverName: string | undefined, read: Uint8Array): void;
  /** The connection is closed already. */
  onNoHello(reason: ReasonCode, detail: string): void;
}

export class ServerNameReader implements ConnectionSink, ClientConnection {
  readonly #connection: Connection;
  readonly #members: ConnectionSet;
  readonly #listener: ServerNameListener;
  readonly #hello = new ClientHelloReader();
  readonly #timer: Timer;
  #read: Uint8Array = new Uint8Array(0);
  #isDone = false;

  private constructor(
    connection: Connection,
    context: ServeContext,
    members: ConnectionSet,
    listener: ServerNameListener,
  ) {
    this.#connection = connection;
    this.#members = members;
    this.#listener = listener;
    this.#timer = context.clock.deadline(context.limits.handshakeTimeoutMs, () => {
      if (this.#isDone) return;
      context.metrics.limitReached("handshakeTimeout");
      this.#refuse("tls_handshake_failed", "no ClientHello came in time", undefined);
    });
  }

  /** With what was read of the connection before; a client that has ended already says no more. */
  static start(
    connection: Connection,
    context: ServeContext,
    members: ConnectionSet,
    { listener, early }: { readonly listener: ServerNameListener; readonly early: Uint8Array | undefined },
  ): void {
    const reader = new ServerNameReader(connection, context, members, listener);
    members.add(reader);
    connection.sink = reader;
    if (early !== undefined) reader.onData(early);
    if (!reader.#isDone) connection.resume();
  }

  onData(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    const hello = this.#hello.read(this.#read);
    if (hello === undefined) return;
    if (hello.kind !== "bad") {
      this.#end();
      this.#connection.pause();
      this.#listener.onServerName(hello.serverName, this.#read);
    } else if (hello.alert === undefined) {
      this.#refuse("protocol_mismatch", "a TLSRoute takes TLS only", undefined);
    } else {
      this.#refuse("tls_handshake_failed", "the ClientHello is malformed", hello.alert);
    }
  }

  onDrain(): void {}

  onEnd(): void {
    this.#refuse("tls_handshake_failed", "the client ended before its ClientHello", undefined);
  }

  onClose(): void {
    this.#end();
  }

  sweep(): void {}

  closeIfIdle(): void {
    this.terminate();
  }

  terminate(): void {
    if (this.#isDone) return;
    this.#end();
    this.#connection.terminate();
  }

  #refuse(reason: ReasonCode, detail: string, alert: number | undefined): void {
    if (this.#isDone) return;
    this.#end();
    refuseTls(this.#connection, alert);
    this.#listener.onNoHello(reason, detail);
  }

  #end(): void {
    this.#isDone = true;
    this.#timer.cancel();
    this.#members.delete(this);
  }
}

/** With an alert the client's log says why; without one it does not speak TLS. */
function refuseTls(connection: Connection, alert: number | undefined): void {
  if (alert === undefined) {
    connection.terminate();
    return;
  }
  connection.write(encodeAlert(alert));
  connection.close();
}

export function refuseServerName(connection: Connection): void {
  refuseTls(connection, tlsAlerts.unrecognizedName);
}
