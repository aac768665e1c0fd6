/** One exchange as a stream of a shared HTTP/2 connection. */
import type { ResetCode } from "../../grpc/index.ts";
import { RequestHead } from "../../http1/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { HeaderFields, Http2Stream, StreamOutcome, StreamSink } from "../../http2/index.ts";
import {
  http2RequestFields,
  Http2Response,
  isBodiless,
  isPlainConnect,
  type Trailers,
  trailerFields,
  upgradeOf,
} from "../http/index.ts";
import type { Http2Connection } from "./http2-connection.ts";
import type { UpstreamHandler, UpstreamRequest, UpstreamStream } from "./http-upstream.ts";

export class Http2Upstream implements UpstreamStream, StreamSink {
  readonly version = 2;
  readonly isReused: boolean;
  readonly #connection: Http2Connection;
  #stream: Http2Stream | undefined;
  #handler: UpstreamHandler | undefined;
  #isRequestComplete = false;
  /** Asks for a tunnel: the request's own end is not the tunnel's. */
  #isTunnelRequest = false;
  #isTunnel = false;

  constructor(connection: Http2Connection) {
    this.#connection = connection;
    this.isReused = connection.hasServed;
  }

  begin(handler: UpstreamHandler, request: UpstreamRequest): string | undefined {
    const { session } = this.#connection;
    const { head } = request;
    const asked = request.isUpgrade ? upgradeOf(head) : undefined;
    // Any other protocol that an Upgrade field offers may be left aside (RFC 9110 section 7.8).
    const protocol = head instanceof RequestHead && asked?.toLowerCase() !== "websocket" ? undefined : asked;
    if (protocol !== undefined && !session.peerAcceptsExtendedConnect) {
      return "the upstream's HTTP/2 takes no extended CONNECT";
    }
    const { edits, lines, rewrite, scheme } = request;
    const fields = http2RequestFields(head, {
      edits,
      lines,
      rewrite,
      scheme,
      protocol: protocol?.toLowerCase(),
    });
    this.#isTunnelRequest = protocol !== undefined || isPlainConnect(head);
    const isEnd = !this.#isTunnelRequest && isBodiless(head);
    this.#handler = handler;
    this.#isRequestComplete = isEnd;
    const stream = session.request(fields, isEnd, this);
    if (stream === undefined) {
      this.#lose("upstream_reset", "the connection was lost before the request was sent", true);
      return undefined;
    }
    this.#stream = stream;
    this.#connection.countRequest();
    return undefined;
  }

  writeBody(chunk: Uint8Array): boolean {
    return this.#stream?.write(chunk) ?? true;
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (this.#isRequestComplete || this.#isTunnelRequest !== this.#isTunnel) return;
    this.#isRequestComplete = true;
    this.#stream?.end(trailerFields(trailers));
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  abandon(): void {
    this.#handler = undefined;
    this.#stream?.reset("cancel");
  }

  enterTunnel(): void {
    this.#isTunnel = true;
  }

  detach(): undefined {
    return undefined;
  }

  onHead(fields: HeaderFields, isEnd: boolean): void {
    // :status is one more.
    if (fields.count - 1 > this.#connection.maxHeaders) {
      this.#connection.codecs.onReached("maxHeaders");
      this.#lose("upstream_malformed", "too many fields", false);
      this.#stream?.reset("cancel");
      return;
    }
    this.#handler?.onUpstreamHead(new Http2Response(fields, isEnd));
  }

  onInterim(fields: HeaderFields): void {
    this.#handler?.onUpstreamInterim(new Http2Response(fields, false));
  }

  onData(chunk: Uint8Array, isLast: boolean): void {
    this.#handler?.onUpstreamBody(chunk, isLast);
  }

  onEnd(trailers: HeaderFields | undefined): void {
    const handler = this.#handler;
    if (!this.#isTunnel) this.#handler = undefined;
    handler?.onUpstreamEnd(trailers);
    // The answer is complete: nobody wants the rest of the request.
    if (!this.#isTunnel && !this.#isRequestComplete) this.#stream?.reset("no_error");
  }

  onDrain(): void {
    this.#handler?.onUpstreamDrain();
  }

  onClose(outcome: StreamOutcome): void {
    switch (outcome.kind) {
      case "done":
        // The other side closed a tunnel whose ends both direction had reached.
        this.#handler = undefined;
        break;
      case "lost":
        this.#lose("upstream_reset", outcome.detail, outcome.isUnprocessed);
        break;
      case "reset":
        this.#onReset(outcome.by, outcome.code, outcome.detail);
        break;
    }
  }

  #onReset(by: "peer" | "local", code: ResetCode, detail: string): void {
    const text = `the stream was reset: ${code}${detail === "" ? "" : `, ${detail}`}`;
    // The codec's own word for a response whose fields are too large.
    if (by === "local" && code === "enhance_your_calm") this.#connection.codecs.onReached("maxHeadBytes");
    // The codec's word for an endpoint that gives no window; whoever gives up for the client has taken the handler away.
    const isStalled = by === "local" && code === "cancel";
    if (by === "local" && !isStalled) this.#lose("upstream_malformed", text, false);
    else this.#lose("upstream_reset", text, code === "refused_stream", code);
  }

  #lose(reason: ReasonCode, detail: string, isUnprocessed: boolean, resetCode?: ResetCode): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onUpstreamLost(reason, detail, isUnprocessed, resetCode);
  }
}
