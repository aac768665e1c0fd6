/**
 * One TCP, TLS or Unix connection: half-close, pause, and the order of its events. No promise and no emitter on the
 * data path; Bun's events come in through `Connection.events`, ours go out through the sink.
 *
 *   opening --establish()--> open --shutdown()--> finishing (FIN after the last byte) --peer's FIN--> closed
 *                            open --close()--> closing (FIN; what still arrives is dropped) --> closed
 *                            any --terminate() | reset | stall--> closed
 */
import type { Timer } from "../kernel/index.ts";
import { type CloseCause, closeCause, isTlsError } from "./causes.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { ConnectionOutput, type OutputOwner } from "./connection-output.ts";
import { type ConnectionAddresses, noAddresses, SocketAddresses } from "./connection-addresses.ts";
import { isReadable } from "./libc.ts";
import type { PeerCertificate } from "./tls.ts";

/** `data` is undefined on sockets that something else took over (the raw socket under TLS). */
export type Socket = Bun.Socket<Connection | undefined>;

export interface ConnectionSink {
  /** A view of fresh memory of up to 512 KiB: may be kept, but a small part that is kept should be copied. */
  onData(chunk: Uint8Array): void;
  /** After `write` returned false: everything accepted since has been handed to the kernel. */
  onDrain(): void;
  /** The peer half-closed; writing goes on. Not called after our own `shutdown`: then only `onClose` comes. */
  onEnd(): void;
  /** Exactly once, last. */
  onClose(cause: CloseCause): void;
}

/** Gets a connection's events until it says that the connection is up (`establish`). */
export interface Opening {
  onOpen(socket: Socket): void;
  onDrain(): void;
  onHandshake(socket: Socket, ok: boolean, error: unknown): void;
  onClose(error: unknown): void;
}

/**
 * After `close` the peer may still be sending; closing at once would answer that with a reset, which can overtake and
 * destroy our last bytes. So we send FIN and drop what comes for this long.
 */
const lingerMs = 2_000;

export class Connection implements OutputOwner {
  /** What ALPN agreed on; undefined without TLS or agreement. */
  alpn: string | undefined;
  /** What the client's hello named, where the listener looked at it. */
  serverName: string | undefined;
  /** Its bytes travel in TLS that ends here. */
  isTls: boolean;
  /** What was agreed on, as "TLSv1.3"; empty: no TLS, or nothing yet. Of connections that were accepted. */
  tlsVersion: string;
  /** The verified peer; TLS only. */
  peer: PeerCertificate | undefined;
  readonly #host: ConnectionHost;
  #socket: Socket | undefined;
  #output: ConnectionOutput | undefined;
  #opening: Opening | undefined;
  #sink: ConnectionSink | undefined;
  #transport: ConnectionAddresses;
  /** What a PROXY header said. */
  #conveyed: ConnectionAddresses | undefined;
  #lingerTimer: Timer | undefined;
  /** Arrived while paused or before there was a sink. */
  #held: Uint8Array[] | undefined;
  #isEndHeld: boolean;
  #isPaused: boolean;
  #isFinishing: boolean;
  #isClosing: boolean;
  #isClosed: boolean;
  #cause: CloseCause | undefined;

  constructor(host: ConnectionHost, opening: Opening | undefined) {
    this.alpn = undefined;
    this.serverName = undefined;
    this.isTls = false;
    this.tlsVersion = "";
    this.peer = undefined;
    this.#host = host;
    this.#socket = undefined;
    this.#output = undefined;
    this.#opening = opening;
    this.#sink = undefined;
    this.#transport = noAddresses;
    this.#conveyed = undefined;
    this.#lingerTimer = undefined;
    this.#held = undefined;
    this.#isEndHeld = false;
    this.#isPaused = false;
    this.#isFinishing = false;
    this.#isClosing = false;
    this.#isClosed = false;
    this.#cause = undefined;
  }

  /** Bun's events, the same functions for all sockets. */
  static readonly events = {
    open(socket: Socket): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#opening?.onOpen(socket);
    },
    connectError(socket: Socket, error: unknown): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#opening?.onClose(error);
    },
    handshake(socket: Socket, ok: boolean, error: unknown): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#opening?.onHandshake(socket, ok, error);
    },
    data(socket: Socket, chunk: Uint8Array): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#onData(chunk);
    },
    drain(socket: Socket): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#onDrain();
    },
    end(socket: Socket): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#onEnd();
    },
    close(socket: Socket, error?: unknown): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#onClose(error);
    },
    /** A broken TLS session, or a sink that threw. */
    error(socket: Socket, error: unknown): void {
      const connection = socket.data;
      if (connection !== undefined) connection.#onError(error);
    },
  };

  /** For `listen` and `connect`: the socket that this connection is about. */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.#output = new ConnectionOutput(socket, this, this.#host);
    this.#transport = new SocketAddresses(socket, this.#host.isListener);
    this.#host.connections?.add(this);
  }

  /** For `listen` and `connect`: opening is over, events go to the sink from now on. */
  establish(): void {
    this.#opening = undefined;
  }

  /** For whoever read a PROXY header: these are the connection's addresses from now on. */
  convey(addresses: ConnectionAddresses | undefined): void {
    this.#conveyed = addresses;
  }

  /** For whoever looked at the first bytes: as if they had not been read yet, and nobody had a sink. */
  unread(bytes: Uint8Array): void {
    this.#sink = undefined;
    if (bytes.length > 0) (this.#held ??= []).unshift(bytes);
  }

  /** For the TLS upgrade: gives the socket away. This connection reports nothing any more. */
  detach(): { readonly socket: Socket; readonly host: ConnectionHost } | undefined {
    const socket = this.#socket;
    this.flush();
    if (socket === undefined || this.#isClosed || this.bufferedBytes > 0) return undefined;
    this.#isClosed = true;
    this.#release();
    socket.data = undefined;
    if (this.#isPaused) socket.resume();
    return { socket, host: this.#host };
  }

  /** The socket's own, whatever a PROXY header said. */
  get transport(): ConnectionAddresses {
    return this.#transport;
  }

  /** Undefined without a PROXY header that named some. */
  get conveyed(): ConnectionAddresses | undefined {
    return this.#conveyed;
  }

  get remoteAddress(): string {
    return (this.#conveyed ?? this.#transport).remoteAddress;
  }

  /** This one and the local end are read from the socket when they are asked for first; 0 and "" if that is too late. */
  get remotePort(): number {
    return (this.#conveyed ?? this.#transport).remotePort;
  }

  get localAddress(): string {
    return (this.#conveyed ?? this.#transport).localAddress;
  }

  get localPort(): number {
    return (this.#conveyed ?? this.#transport).localPort;
  }

  /** -1 once closed. */
  get fd(): number {
    const socket = this.#socket;
    // Bun has it, its types lack it.
    if (socket === undefined || this.#isClosed || !("fd" in socket)) return -1;
    return typeof socket.fd === "number" ? socket.fd : -1;
  }

  /** The peer has sent something that no event has told yet: this process is behind. False where the system does not tell. */
  get hasUnread(): boolean {
    return isReadable(this.fd);
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  get sink(): ConnectionSink {
    return this.#sink ?? noSink;
  }

  /** Replaceable at any time. What arrived while there was none is delivered first, within this assignment. */
  set sink(sink: ConnectionSink) {
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    if (!isFirst) return;
    this.#deliverHeld();
    if (this.#isClosed && this.#opening === undefined) sink.onClose(this.#cause ?? "local");
  }

  /** Bytes accepted by `write` and not yet by the kernel. */
  get bufferedBytes(): number {
    return this.#output?.length ?? 0;
  }

  /**
   * Copies `bytes` to the output of this event, which is sent once at its end (or by `flush`). False: more is unsent
   * than the high-water mark; stop producing until `onDrain`. Also false, and the bytes are dropped, after `shutdown`,
   * `close` or the end of the connection.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isFinishing || this.#output === undefined) return false;
    return this.#output.write(bytes, false);
  }

  /** As `write`, for memory that the caller never changes again (a chunk of `onData`): what must wait is not copied. */
  give(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isFinishing || this.#output === undefined) return false;
    return this.#output.write(bytes, true);
  }

  /** Hands the output of this event to the kernel now. */
  flush(): void {
    this.#output?.flush();
  }

  /** Stops delivery of data. The peer's FIN waits too; a reset does not. */
  pause(): void {
    if (this.#isPaused || this.#isClosed) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    this.#socket?.resume();
    this.#deliverHeld();
  }

  /** FIN (TLS: close_notify) after everything that was written. Reading goes on. */
  shutdown(): void {
    if (this.#isFinishing || this.#isClosed) return;
    this.flush();
    this.#isFinishing = true;
    if (this.bufferedBytes === 0) this.#sendFin();
  }

  /** Everything that was written, then FIN; what still arrives is dropped. `onClose("local")` follows. */
  close(): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#isClosing = true;
    this.#cause ??= "local";
    this.#held = undefined;
    this.resume();
    if (!this.#isFinishing) this.shutdown();
    else if (this.bufferedBytes === 0) this.#linger();
  }

  /** Reset: unsent bytes are lost, on both sides. */
  terminate(): void {
    this.onOutputStuck("local");
  }

  /** For the output; others call `terminate`. */
  onOutputStuck(cause: CloseCause): void {
    if (this.#isClosed) return;
    if (cause === "timeout") this.#host.limitReached("writeStallTimeout");
    this.#cause ??= cause;
    this.#held = undefined;
    this.#socket?.terminate();
  }

  #sendFin(): void {
    this.#socket?.shutdown();
    if (this.#isClosing) this.#linger();
  }

  #linger(): void {
    if (this.#isClosed) return;
    this.#lingerTimer ??= this.#host.clock.after(lingerMs, () => this.terminate());
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosing || this.#isClosed) return;
    const sink = this.#sink;
    if (sink === undefined || this.#isPaused || this.#held !== undefined) (this.#held ??= []).push(chunk);
    else sink.onData(chunk);
  }

  #onDrain(): void {
    if (this.#opening !== undefined) {
      this.#opening.onDrain();
      return;
    }
    const output = this.#output;
    if (output === undefined || this.#isClosed) return;
    const hadUnsent = output.length > 0;
    if (!output.drain()) return;
    if (this.#isFinishing) {
      if (hadUnsent) this.#sendFin();
    } else if (output.wantsDrain) {
      output.wantsDrain = false;
      this.#sink?.onDrain();
    }
  }

  #onEnd(): void {
    if (this.#opening !== undefined || this.#isClosing || this.#isClosed) return;
    if (this.#sink === undefined || this.#isPaused || this.#held !== undefined) this.#isEndHeld = true;
    else this.#sink.onEnd();
  }

  #onError(error: unknown): void {
    if (isTlsError(error)) {
      this.#cause ??= "tls";
      return;
    }
    this.#host.onDefect(error);
    this.terminate();
  }

  #onClose(error: unknown): void {
    if (this.#isClosed) return;
    // A reset may come while paused: what arrived before it is still the sink's.
    this.#isPaused = false;
    this.#deliverHeld();
    this.#cause ??= closeCause(error);
    this.#isClosed = true;
    this.#release();
    if (this.#opening !== undefined) this.#opening.onClose(error);
    else this.#sink?.onClose(this.#cause);
  }

  #deliverHeld(): void {
    while (this.#held !== undefined && this.#sink !== undefined && !this.#isPaused) {
      const chunk = this.#held.shift();
      if (chunk === undefined) this.#held = undefined;
      else this.#sink.onData(chunk);
    }
    if (!this.#isEndHeld || this.#held !== undefined || this.#isPaused || this.#sink === undefined) return;
    this.#isEndHeld = false;
    if (!this.#isClosing) this.#sink.onEnd();
  }

  #release(): void {
    this.#host.connections?.delete(this);
    this.#lingerTimer?.cancel();
    this.#output?.release();
  }
}

/** Never called: without a sink, events are held. */
const noSink: ConnectionSink = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };
