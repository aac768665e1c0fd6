/**
 * One HTTP/2 connection towards an endpoint, shared by many exchanges.
 *
 *   open --drain() | GOAWAY | stream ids used up--> draining (takes no more) --last stream done--> gone
 */
import { Http2ClientSession } from "../../http2/index.ts";
import type { Clock } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";
import type { CodecLimitsSource } from "./codec-limits.ts";

/** The pool's side. */
export interface Http2ConnectionOwner {
  onCapacity(connection: Http2Connection): void;
  onDraining(connection: Http2Connection): void;
  onGone(connection: Http2Connection): void;
}

/**
 * A peer that vanished without a word is found by PING: often enough that a request which needs half a minute is not
 * waiting for nobody, seldom enough that it costs nothing and no server takes it for abuse (gRPC's allow one in 5 min
 * without streams, and none is sent then).
 */
const keepAlive = { intervalMs: 30_000, timeoutMs: 10_000 };

export class Http2Connection {
  readonly session: Http2ClientSession;
  readonly identity: object | undefined;
  readonly codecs: CodecLimitsSource;
  /** Of a response: the codec itself counts bytes alone. */
  readonly maxHeaders: number;
  /** It has carried an exchange before. */
  hasServed = false;
  /** 0 while streams are open. */
  idleSinceMs = 0;
  endOfLifeMs = Infinity;
  /** Requests that it may still be given. */
  #left: number;

  constructor(
    connection: Connection,
    owner: Http2ConnectionOwner,
    options: {
      readonly identity: object | undefined;
      readonly clock: Clock;
      readonly codecs: CodecLimitsSource;
      /** 0: no bound. */
      readonly maxRequests: number;
    },
  ) {
    const limits = options.codecs.current();
    this.codecs = options.codecs;
    this.maxHeaders = limits.http1.maxHeaders;
    this.identity = options.identity;
    this.#left = options.maxRequests === 0 ? Infinity : options.maxRequests;
    this.session = new Http2ClientSession(
      connection,
      {
        onCapacity: () => owner.onCapacity(this),
        onDraining: () => owner.onDraining(this),
        onClose: () => owner.onGone(this),
      },
      { clock: options.clock, keepAlive, limits: limits.http2 },
    );
  }

  /** One was sent: after the last that it may carry, the next ones get another connection. */
  countRequest(): void {
    this.hasServed = true;
    this.idleSinceMs = 0;
    if (--this.#left === 0) this.session.drain();
  }
}
