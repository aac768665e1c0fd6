/** One streaming call as its user sees it, on either side. No promises: callbacks are synchronous. */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { GrpcStatus } from "./status.ts";

export interface BidiStream<I, O> {
  /** Set the callbacks in the same event in which the stream was received. */
  onMessage(callback: (message: I) => void): void;
  /** The other side sends no more. */
  onEnd(callback: () => void): void;
  /** After `send` returned false: more is wanted. */
  onDrain(callback: () => void): void;
  /** Exactly once, last, however the call ended, by `close` here too. */
  onClose(callback: (status: GrpcStatus) => void): void;
  /** A message, or one that is encoded already. It is taken whatever is returned; false: stop until onDrain. */
  send(message: O | Uint8Array): boolean;
  /** One encoded message in parts, which are not copied: they must not change any more. */
  sendParts(parts: readonly Uint8Array[]): boolean;
  /** Server: ends the call with this status (default ok). Client: sends no more; with a status, cancels the call. */
  close(status?: GrpcStatus): void;
  /** No more messages for now, save those already on their way (one stream window at most). */
  pause(): void;
  resume(): void;
  readonly isClosed: boolean;
}

/** The untyped call below a stream. */
export interface RawCall {
  readonly isClosed: boolean;
  sendParts(parts: readonly Uint8Array[]): boolean;
  close(status?: GrpcStatus): void;
  pause(): void;
  resume(): void;
}

/** What a call tells whoever answers or made it. */
export interface CallReceiver {
  receive(bytes: Uint8Array): void;
  receiveEnd(): void;
  drained(): void;
  closed(status: GrpcStatus): void;
}

/** Reads by hand what most messages of a method are. Undefined: it is another one, which the schema reads. */
export type ShortReader<T> = (bytes: Uint8Array) => T | undefined;

/** Gives a raw call the types of its messages. */
export class CallStream<I extends DescMessage, O extends DescMessage>
  implements BidiStream<MessageShape<I>, MessageShape<O>>, CallReceiver
{
  readonly #call: RawCall;
  readonly #incoming: I;
  readonly #outgoing: O;
  readonly #readShort: ShortReader<MessageShape<I>> | undefined;
  #messageCallback: (message: MessageShape<I>) => void = () => {};
  #endCallback: () => void = () => {};
  #drainCallback: () => void = () => {};
  #closeCallback: (status: GrpcStatus) => void = () => {};

  constructor(call: RawCall, incoming: I, outgoing: O, readShort?: ShortReader<MessageShape<I>>) {
    this.#call = call;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#readShort = readShort;
  }

  onMessage(callback: (message: MessageShape<I>) => void): void {
    this.#messageCallback = callback;
  }

  onEnd(callback: () => void): void {
    this.#endCallback = callback;
  }

  onDrain(callback: () => void): void {
    this.#drainCallback = callback;
  }

  onClose(callback: (status: GrpcStatus) => void): void {
    this.#closeCallback = callback;
  }

  get isClosed(): boolean {
    return this.#call.isClosed;
  }

  send(message: MessageShape<O> | Uint8Array): boolean {
    return this.sendParts([message instanceof Uint8Array ? message : toBinary(this.#outgoing, message)]);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    return this.#call.sendParts(parts);
  }

  close(status?: GrpcStatus): void {
    this.#call.close(status);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  receive(bytes: Uint8Array): void {
    const message = this.#readShort?.(bytes) ?? parseMessage(this.#incoming, bytes);
    if (message === undefined) {
      return this.close({ code: "invalid_argument", message: `not a ${this.#incoming.typeName}` });
    }
    this.#messageCallback(message);
  }

  receiveEnd(): void {
    this.#endCallback();
  }

  drained(): void {
    this.#drainCallback();
  }

  closed(status: GrpcStatus): void {
    this.#closeCallback(status);
  }
}

/** Undefined where the bytes are no such message. */
export function parseMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
): MessageShape<D> | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}
