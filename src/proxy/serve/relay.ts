/**
 * Two connections joined byte for byte, each direction with its own back-pressure and its own end. A reset on one side
 * is a reset on the other: truncation must never look like a proper end.
 */
import type { CloseCause, Connection, ConnectionSink } from "../../net/index.ts";

export interface RelayListener {
  /** Both sides are closed. Called once. */
  onRelayEnd(relay: Relay, cause: CloseCause): void;
}

interface RelaySniffer {
  onData(chunk: Uint8Array): void;
}

export class Relay {
  readonly client: Connection;
  readonly server: Connection;
  bytesFromClient = 0;
  bytesFromServer = 0;
  readonly #listener: RelayListener;
  readonly #clientSide: RelaySide;
  readonly #serverSide: RelaySide;
  #openSides = 2;
  /** What ended it first; "ended" where both sides closed properly. */
  #cause: CloseCause = "ended";

  /** `sniffer` sees the client's bytes too. */
  constructor(client: Connection, server: Connection, listener: RelayListener, sniffer?: RelaySniffer) {
    this.client = client;
    this.server = server;
    this.#listener = listener;
    this.#clientSide = new RelaySide(this, client, server, { isClient: true, sniffer });
    this.#serverSide = new RelaySide(this, server, client, { isClient: false, sniffer: undefined });
    client.sink = this.#clientSide;
    server.sink = this.#serverSide;
  }

  /** What came before the two were joined: bytes, and whether that side ended behind them. */
  start(
    fromClient: Uint8Array | undefined,
    isClientEnded = false,
    fromServer?: Uint8Array,
    isServerEnded = false,
  ): void {
    if (fromClient !== undefined && fromClient.length > 0) this.#clientSide.onData(fromClient);
    if (fromServer !== undefined && fromServer.length > 0) this.#serverSide.onData(fromServer);
    this.client.resume();
    this.server.resume();
    if (isClientEnded) this.#clientSide.onEnd();
    if (isServerEnded) this.#serverSide.onEnd();
  }

  terminate(): void {
    this.client.terminate();
    this.server.terminate();
  }

  count(isClient: boolean, bytes: number): void {
    if (isClient) this.bytesFromClient += bytes;
    else this.bytesFromServer += bytes;
  }

  onSideClosed(peer: Connection, cause: CloseCause): void {
    this.#openSides--;
    if (cause !== "ended" && cause !== "local" && this.#cause === "ended") this.#cause = cause;
    if (this.#openSides === 0) {
      this.#listener.onRelayEnd(this, this.#cause);
    } else if (cause === "ended" || cause === "local") {
      peer.close();
    } else {
      // What came before the reset goes ahead of it.
      peer.flush();
      peer.terminate();
    }
  }
}

class RelaySide implements ConnectionSink {
  readonly #relay: Relay;
  readonly #own: Connection;
  readonly #peer: Connection;
  readonly #isClient: boolean;
  readonly #sniffer: RelaySniffer | undefined;

  constructor(
    relay: Relay,
    own: Connection,
    peer: Connection,
    { isClient, sniffer }: { readonly isClient: boolean; readonly sniffer: RelaySniffer | undefined },
  ) {
    this.#relay = relay;
    this.#own = own;
    this.#peer = peer;
    this.#isClient = isClient;
    this.#sniffer = sniffer;
  }

  onData(chunk: Uint8Array): void {
    this.#sniffer?.onData(chunk);
    this.#relay.count(this.#isClient, chunk.length);
    if (!this.#peer.give(chunk)) this.#own.pause();
  }

  onDrain(): void {
    this.#peer.resume();
  }

  onEnd(): void {
    this.#peer.shutdown();
  }

  onClose(cause: CloseCause): void {
    this.#relay.onSideClosed(this.#peer, cause);
  }
}
