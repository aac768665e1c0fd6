/**
 * Several external services at one address and port. The name that a client says in SNI or Host tells which of them it
 * means, once for the connection: a later request for another of them is refused by the one that has it. HTTP/2 in plaintext goes
 * to the only service of HTTP, if there is one only. What says no name is the first one's that asks for none.
 *
 *   listening --ClientHello--> named | --head of a request--> named | --other bytes, silence, end--> unnamed
 */
import type { SharedAddress } from "../../decide/index.ts";
import type { Timer } from "../../kernel/index.ts";
import type { ServiceTarget } from "../../model/index.ts";
import { ClientHelloReader, type Connection, type ConnectionSink } from "../../net/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { requestedHost } from "./requested-host.ts";

export interface SharedNameListener {
  readonly address: SharedAddress;
  readonly early: Uint8Array | undefined;
  /** `service`: the one that is meant. `read`: all that came so far. Takes the connection over. */
  onRead(service: ServiceTarget | undefined, read: Uint8Array | undefined): void;
}

/** A client that speaks first does so at once; one that waits is a server-first protocol's, if such a service is here. */
const silenceMs = 100;
const maxHeadBytes = 16_384;
const tlsHandshake = 0x16;

export function readSharedName(
  connection: Connection,
  context: ServeContext,
  members: ConnectionSet,
  listener: SharedNameListener,
): void {
  new SharedNameReader(connection, context, members, listener).start();
}

class SharedNameReader implements ConnectionSink, ClientConnection {
  readonly #connection: Connection;
  readonly #members: ConnectionSet;
  readonly #listener: SharedNameListener;
  readonly #hello = new ClientHelloReader();
  readonly #timer: Timer;
  #read: Uint8Array | undefined;
  #isDone = false;

  constructor(
    connection: Connection,
    context: ServeContext,
    members: ConnectionSet,
    listener: SharedNameListener,
  ) {
    this.#connection = connection;
    this.#members = members;
    this.#listener = listener;
    const waitMs = listener.address.unnamed === undefined ? context.limits.headerTimeoutMs : silenceMs;
    this.#timer = context.clock.deadline(waitMs, () => this.#finish());
  }

  start(): void {
    this.#members.add(this);
    this.#connection.sink = this;
    const { early } = this.#listener;
    if (early !== undefined && early.length > 0) this.onData(early);
    if (!this.#isDone) this.#connection.resume();
  }

  onData(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#read = this.#read === undefined ? chunk : Buffer.concat([this.#read, chunk]);
    const name = this.#read[0] === tlsHandshake ? this.#serverName() : requestedHost(this.#read);
    if (name === "more" && this.#read.length <= maxHeadBytes) return;
    const { address } = this.#listener;
    if (name === "http2") this.#finish(address.http2);
    else if (typeof name === "string") this.#finish();
    else this.#finish(address.named(name.name));
  }

  onDrain(): void {}

  onEnd(): void {
    this.#finish();
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

  #serverName(): { readonly name: string } | "more" | "none" {
    const hello = this.#hello.read(this.#read ?? new Uint8Array(0));
    if (hello === undefined) return "more";
    return hello.kind === "hello" && hello.serverName !== undefined ? { name: hello.serverName } : "none";
  }

  #finish(service = this.#listener.address.unnamed): void {
    if (this.#isDone) return;
    this.#end();
    this.#listener.onRead(service, this.#read);
  }

  #end(): void {
    this.#isDone = true;
    this.#timer.cancel();
    this.#members.delete(this);
  }
}
