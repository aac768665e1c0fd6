/**
 * Finds out from the first bytes what an undeclared connection speaks. A client that stays silent is taken for one whose
 * server speaks first: it gets its connection without a guess.
 */
import {
  type CloseCause,
  type Connection,
  type ConnectionSink,
  detectProtocol,
  type TimerWheel,
  type WheelTimer,
} from "../../net/index.ts";

export type FirstBytes = "http" | "tcp" | "silent";

export interface DetectionListener {
  onDetected(spoken: FirstBytes, alreadyRead: Uint8Array | undefined, isClientEnded: boolean): void;
  /** It closed before it said anything. */
  onGone(cause: CloseCause): void;
}

/**
 * Clients that speak first do it in the first round trip after connect, which is a few milliseconds even for a slow
 * program on the same machine; a person who waits for a server's greeting does not notice a tenth of a second.
 */
const silenceMs = 100;
/** The longest method token and the HTTP/2 preface fit many times; more bytes without a verdict are not HTTP. */
const maxUndecidedBytes = 256;

export class ProtocolDetector implements ConnectionSink {
  readonly #connection: Connection;
  readonly #listener: DetectionListener;
  readonly #timer: WheelTimer;
  #read: Uint8Array | undefined;
  #isDone = false;

  private constructor(connection: Connection, wheel: TimerWheel, listener: DetectionListener) {
    this.#connection = connection;
    this.#listener = listener;
    this.#timer = wheel.schedule(silenceMs, () =>
      this.#decide(this.#read === undefined ? "silent" : "tcp", false),
    );
    connection.sink = this;
    connection.resume();
  }

  /** Reads from `connection` until it has told the listener. */
  static watch(connection: Connection, wheel: TimerWheel, listener: DetectionListener): ProtocolDetector {
    return new ProtocolDetector(connection, wheel, listener);
  }

  onData(chunk: Uint8Array): void {
    this.#read = this.#read === undefined ? chunk : Buffer.concat([this.#read, chunk]);
    const detected = detectProtocol(this.#read);
    if (detected === "more" && this.#read.length < maxUndecidedBytes) return;
    this.#decide(detected === "http1" || detected === "http2" ? "http" : "tcp", false);
  }

  onDrain(): void {}

  onEnd(): void {
    this.#decide("tcp", true);
  }

  onClose(cause: CloseCause): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.cancel();
    this.#listener.onGone(cause);
  }

  #decide(spoken: FirstBytes, isClientEnded: boolean): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.cancel();
    this.#connection.pause();
    this.#listener.onDetected(spoken, this.#read, isClientEnded);
  }
}

/** More (service, port) pairs than this are a scan. */
const maxRemembered = 1_024;

/** Ports on which a server was seen to speak first: the next connection is not kept waiting. */
export class ServerFirstMemory {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    if (this.#keys.size >= maxRemembered) this.#keys.clear();
    this.#keys.add(key);
  }

  /** A client spoke first there after all. */
  delete(key: string): void {
    this.#keys.delete(key);
  }
}
