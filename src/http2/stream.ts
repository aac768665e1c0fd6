/** What the user of a session sees of one stream. Callbacks are synchronous; none of them may throw. */
import type { Http2ErrorCode } from "./error-code.ts";
import type { HeaderFields } from "./header-fields.ts";

/** How a stream ended. */
export type StreamOutcome =
  | { readonly kind: "done" }
  | {
      readonly kind: "reset";
      readonly by: "peer" | "local";
      readonly code: Http2ErrorCode;
      readonly detail: string;
    }
  /** The connection went away. `isUnprocessed`: the peer said that it never looked at the stream. */
  | { readonly kind: "lost"; readonly detail: string; readonly isUnprocessed: boolean };

export interface StreamSink {
  /** Client only: the final response's head. `isEnd`: nothing follows but `onEnd`, at once. */
  onHead(fields: HeaderFields, isEnd: boolean): void;
  /** Client only: an informational (1xx) head. */
  onInterim(fields: HeaderFields): void;
  /**
   * May be kept. At most one window's worth arrives after `pause`. `isLast`: the peer's data is complete and there are
   * no trailers, so that the chunk may be passed on with the end in one frame; `onEnd` comes none the less.
   */
  onData(chunk: Uint8Array, isLast: boolean): void;
  /** The peer sends no more. */
  onEnd(trailers: HeaderFields | undefined): void;
  /** After `write` returned false: more is wanted. */
  onDrain(): void;
  /** Exactly once, last. */
  onClose(outcome: StreamOutcome): void;
}

export interface Http2Stream {
  readonly id: number;
  sink: StreamSink;
  /** Bytes that were written and not yet framed. */
  readonly queuedBytes: number;
  readonly isClosed: boolean;
  /** A response's head (any number of 1xx heads before it), on the server's side. */
  sendHead(fields: HeaderFields, isEnd: boolean): void;
  /**
   * Takes the chunk whatever it returns; the bytes must not change afterwards. False: stop until onDrain. `isLast`: the
   * same as `end` behind it, but in one frame.
   */
  write(chunk: Uint8Array, isLast?: boolean): boolean;
  /** No more is written. Trailers go out behind the last byte. */
  end(trailers?: HeaderFields): void;
  /** After `end`, what the peer still sends is not wanted: the stream closes when our side is sent. */
  discardInput(): void;
  reset(code: Http2ErrorCode): void;
  /** Gives no more credit: the peer stops when its window is used up. */
  pause(): void;
  resume(): void;
}
