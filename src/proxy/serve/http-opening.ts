/**
 * The first bytes of a connection that is HTTP: which version. HTTP/2 by prior knowledge starts with its preface; everything
 * else is HTTP/1.1's to judge. Nothing waits: a client of either version speaks first.
 */
import { type CloseCause, type Connection, type ConnectionSink, detectProtocol } from "../../net/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { Http1Downstream } from "./http1-downstream.ts";
import { Http2Downstream } from "./http2-downstream.ts";
import type { HttpService } from "./http-service.ts";
import { recordUnread } from "./outcome.ts";

/** Takes the connection over. `alreadyRead`: bytes that were read before. */
export function serveHttp(
  connection: Connection,
  context: ServeContext,
  service: HttpService,
  options: {
    readonly members: ConnectionSet;
    readonly alreadyRead?: Uint8Array | undefined;
    /** Where the version is known (ALPN, the hop's preface). */
    readonly version?: 1 | 2 | undefined;
  },
): void {
  const { members, alreadyRead, version } = options;
  if (version !== undefined) serveVersion(connection, context, service, { members, alreadyRead, version });
  else new HttpOpening(connection, context, service, members).start(alreadyRead);
}

function serveVersion(
  connection: Connection,
  context: ServeContext,
  service: HttpService,
  options: {
    readonly members: ConnectionSet;
    readonly alreadyRead: Uint8Array | undefined;
    readonly version: 1 | 2;
  },
): void {
  const { members, alreadyRead } = options;
  if (options.version === 2)
    new Http2Downstream(connection, context, service, { members }).start(alreadyRead);
  else new Http1Downstream(connection, context, service, members).start(alreadyRead);
}

class HttpOpening implements ConnectionSink, ClientConnection {
  readonly #connection: Connection;
  readonly #context: ServeContext;
  readonly #service: HttpService;
  readonly #members: ConnectionSet;
  /** Of the silence; then of the first byte. */
  #sinceMs: number;
  #read: Uint8Array | undefined;

  constructor(connection: Connection, context: ServeContext, service: HttpService, members: ConnectionSet) {
    this.#connection = connection;
    this.#context = context;
    this.#service = service;
    this.#members = members;
    this.#sinceMs = context.coarseNowMs;
  }

  start(alreadyRead: Uint8Array | undefined): void {
    this.#members.add(this);
    this.#connection.sink = this;
    if (alreadyRead !== undefined && alreadyRead.length > 0) this.onData(alreadyRead);
    if (this.#connection.isOpen && this.#connection.sink === this) this.#connection.resume();
  }

  onData(chunk: Uint8Array): void {
    const read = this.#read === undefined ? chunk : Buffer.concat([this.#read, chunk]);
    const detected = mayBeOther(read) ? detectProtocol(read) : "http1";
    if (detected === "more") {
      if (this.#read === undefined) this.#sinceMs = this.#context.coarseNowMs;
      this.#read = read;
      return;
    }
    this.#members.delete(this);
    if (detected === "tls") {
      this.#refuse("the client speaks TLS where plaintext HTTP is expected");
      return;
    }
    if (detected === "http1" && isForeignLine(read)) {
      this.#refuse("the first line is no request of any version of HTTP");
      return;
    }
    serveVersion(this.#connection, this.#context, this.#service, {
      members: this.#members,
      alreadyRead: read,
      version: detected === "http2" ? 2 : 1,
    });
  }

  onDrain(): void {}

  onEnd(): void {
    this.#close();
  }

  onClose(_cause: CloseCause): void {
    this.#members.delete(this);
  }

  sweep(nowMs: number): void {
    const { limits, metrics } = this.#context;
    const isSilent = this.#read === undefined;
    if (nowMs - this.#sinceMs < (isSilent ? limits.idleTimeoutMs : limits.headerTimeoutMs)) return;
    metrics.limitReached(isSilent ? "idleTimeout" : "headerTimeout");
    this.#close();
  }

  closeIfIdle(): void {
    this.#close();
  }

  terminate(): void {
    this.#members.delete(this);
    this.#connection.terminate();
  }

  /** Without an answer, which this client could not read. */
  #refuse(detail: string): void {
    recordUnread(this.#context, {
      service: this.#service,
      requestId: this.#context.requestIds.next(),
      reason: "protocol_mismatch",
      detail,
      peerAddress: this.#connection.remoteAddress,
    });
    this.#connection.close();
  }

  #close(): void {
    this.#members.delete(this);
    this.#connection.close();
  }
}

const firstOfPreface = 0x50; // P
const secondOfPreface = 0x52; // R: no method of HTTP/1.1 but PROPFIND and its kin starts so
const tlsHandshake = 0x16;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const slash = 0x2f;
/** " HTTP/1.1": the slash stands here before the line's end. */
const slashFromEnd = 4;

function mayBeOther(bytes: Uint8Array): boolean {
  if (bytes[0] === tlsHandshake) return true;
  return bytes[0] === firstOfPreface && (bytes.length === 1 || bytes[1] === secondOfPreface);
}

/** Three words or more, of which the last has no slash: whoever says this means no version of HTTP. */
function isForeignLine(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(carriageReturn);
  if (end <= 0 || bytes[end - slashFromEnd] === slash) return false;
  if (bytes.lastIndexOf(lineFeed, end) >= 0) return false;
  const last = bytes.lastIndexOf(space, end);
  if (last <= 0 || last === end - 1 || bytes.lastIndexOf(space, last - 1) < 0) return false;
  const word = bytes.subarray(last + 1, end);
  return !word.includes(slash);
}
