/** Opens the connections of a client, one at a time, and speaks HTTP/2 on them. */
import type { Clock } from "../kernel/index.ts";
import {
  Http2ClientSession,
  type Http2Limits,
  type KeepAliveOptions,
  type SessionEnd,
} from "../http2/index.ts";
import { type ClientTls, connect, Connection, type PendingConnect } from "../net/index.ts";

export interface ClientConnectionOptions {
  readonly address: string;
  readonly port: number;
  readonly unixPath?: string;
  /** A function is asked for each connection, so that a rotated identity is used from the next one on. Absent: plaintext. */
  readonly tls?: ClientTls | (() => ClientTls);
  readonly connectTimeoutMs?: number;
  /** SO_MARK of the socket: keeps a proxy's own traffic out of its capture. */
  readonly mark?: number;
  readonly localAddress?: string;
  readonly keepAlive?: KeepAliveOptions;
  readonly limits?: Partial<Http2Limits>;
}

export interface ConnectionEvents {
  onOpen(session: Http2ClientSession): void;
  /** Never opened. */
  onFailed(detail: string): void;
  onCapacity(session: Http2ClientSession): void;
  onDraining(session: Http2ClientSession): void;
  onClosed(session: Http2ClientSession, end: SessionEnd): void;
}

/** A handshake within a mesh takes milliseconds; this covers two lost SYNs. */
const defaultConnectTimeoutMs = 5_000;
/** A vanished server is noticed within 15 seconds, well before an operator wonders. */
const defaultKeepAlive: KeepAliveOptions = { intervalMs: 10_000, timeoutMs: 5_000 };

/** TLS connections must have negotiated h2: anything else on that port is not a gRPC server. */
export function openClientConnection(
  options: ClientConnectionOptions,
  clock: Clock,
  events: ConnectionEvents,
): PendingConnect {
  const tls = typeof options.tls === "function" ? options.tls() : options.tls;
  return connect(
    {
      address: options.address,
      port: options.port,
      timeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      ...(options.unixPath === undefined ? {} : { unixPath: options.unixPath }),
      ...(tls === undefined ? {} : { tls }),
      ...(options.mark === undefined ? {} : { mark: options.mark }),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    },
    (result) => {
      if (!(result instanceof Connection)) return events.onFailed(`${result.reason}: ${result.detail}`);
      if (tls !== undefined && result.alpn !== "h2") {
        result.terminate();
        return events.onFailed("the server does not speak h2");
      }
      const session: Http2ClientSession = new Http2ClientSession(
        result,
        {
          onCapacity: () => events.onCapacity(session),
          onDraining: () => events.onDraining(session),
          onClose: (end) => events.onClosed(session, end),
        },
        { clock, limits: options.limits ?? {}, keepAlive: options.keepAlive ?? defaultKeepAlive },
      );
      events.onOpen(session);
    },
  );
}
