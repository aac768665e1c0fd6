/** Reads the preface of a weft/1 connection: two bytes of length, then the message. Bounded in size and in time. */
import { fromBinary } from "@bufbuild/protobuf";
import type { CloseCause, Connection, ConnectionSink, WheelTimer } from "../../net/index.ts";
import { type Preface, PrefaceSchema } from "../../wire/index.ts";
import { maxPrefaceBytes } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";

export interface PrefaceListener {
  onPreface(preface: Preface, rest: Uint8Array | undefined, isClientEnded: boolean): void;
  onPrefaceMalformed(): void;
}

export class PrefaceReader implements ConnectionSink {
  readonly #connection: Connection;
  readonly #listener: PrefaceListener;
  readonly #timer: WheelTimer;
  #read: Uint8Array | undefined;
  #isDone = false;

  /** The preface leaves with a peer's first bytes, so it is there with the handshake's end or the peer is no proxy. */
  private constructor(connection: Connection, context: ServeContext, listener: PrefaceListener) {
    this.#connection = connection;
    this.#listener = listener;
    this.#timer = context.wheel.schedule(context.limits.handshakeTimeoutMs, () => {
      context.metrics.limitReached("handshakeTimeout");
      this.#fail();
    });
  }

  /** Reads from `connection` until it has told the listener. */
  static watch(connection: Connection, context: ServeContext, listener: PrefaceListener): void {
    connection.sink = new PrefaceReader(connection, context, listener);
  }

  onData(chunk: Uint8Array): void {
    if (this.#isDone) return;
    const read = this.#read === undefined ? chunk : Buffer.concat([this.#read, chunk]);
    this.#read = read;
    if (read.length < 2) return;
    const length = ((read[0] ?? 0) << 8) | (read[1] ?? 0);
    if (length > maxPrefaceBytes) {
      this.#fail();
      return;
    }
    if (read.length < 2 + length) return;
    const preface = decodePreface(read.subarray(2, 2 + length));
    if (preface === undefined) {
      this.#fail();
      return;
    }
    this.#isDone = true;
    this.#timer.cancel();
    const rest = read.length > 2 + length ? read.subarray(2 + length) : undefined;
    this.#listener.onPreface(preface, rest, false);
  }

  onDrain(): void {}

  onEnd(): void {
    this.#fail();
  }

  onClose(_cause: CloseCause): void {
    this.#isDone = true;
    this.#timer.cancel();
  }

  #fail(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.cancel();
    this.#listener.onPrefaceMalformed();
    this.#connection.terminate();
  }
}

/** Undefined where the bytes are no preface. The library throws; nothing may throw inside a socket's callback. */
function decodePreface(bytes: Uint8Array): Preface | undefined {
  try {
    const preface = fromBinary(PrefaceSchema, bytes);
    return preface.targetPort >= 1 && preface.targetPort <= 65_535 ? preface : undefined;
  } catch {
    return undefined;
  }
}
