/**
 * The server behind the proxy: writes down what arrives, judged by a strict parser, and answers with fixed bytes. One for each
 * lane, so that whatever a proxy lets through belongs to the vector that is under way there.
 */
import { RequestParser } from "../../../src/http1/index.ts";

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** To HEAD. */
const headAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
export const probePath = "/probe";
const probeAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe";
/** A proxy that has not closed its side by then is cut off. */
const settleTimeoutMs = 500;

export interface UpstreamScript {
  /** Instead of the answer to the first request that is no probe. */
  readonly response?: string;
  /** Then the upstream ends its side. */
  readonly fin?: boolean;
  /** Answer as soon as the head is there. */
  readonly isEarly?: boolean;
}

interface Peer {
  readonly socket: Bun.Socket<Peer | undefined>;
  readonly parser: RequestParser;
  rest: Uint8Array;
  ended: boolean;
}

export class RecordingUpstream {
  /** `METHOD target "content"` for each whole request, `malformed: detail`, in the order of arrival. Probes are left out. */
  seen: string[] = [];
  /** Every byte since `begin`. */
  raw = "";
  readonly #listener: Bun.TCPSocketListener<Peer | undefined>;
  readonly #peers = new Set<Peer>();
  #script: UpstreamScript = {};
  #hasAnswered = false;
  #onQuiet: () => void = () => {};

  constructor() {
    this.#listener = Bun.listen<Peer | undefined>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: {
        open: (socket) => this.#onOpen(socket),
        data: (socket, chunk) => this.#onData(socket.data, chunk),
        end: (socket) => this.#onEnd(socket.data),
        close: (socket) => this.#onClose(socket.data),
        error: (socket) => this.#onClose(socket.data),
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  begin(script: UpstreamScript): void {
    this.#script = script;
    this.#hasAnswered = false;
    this.seen = [];
    this.raw = "";
  }

  /** For proxies that wait for the end of what they cannot read. */
  end(): void {
    for (const peer of this.#peers) peer.socket.shutdown();
  }

  /** Ends all connections and reads what was still under way: afterwards nothing of this vector can arrive any more. */
  async settle(): Promise<void> {
    this.end();
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
    if (this.#peers.size > 0) await Promise.race([quiet, Bun.sleep(settleTimeoutMs)]);
    for (const peer of this.#peers) peer.socket.terminate();
    this.#peers.clear();
  }

  stop(): void {
    this.#listener.stop(true);
  }

  #onOpen(socket: Bun.Socket<Peer | undefined>): void {
    let method = "";
    let line = "";
    let content = "";
    let trailers = "";
    let isProbe = false;
    const parser: RequestParser = new RequestParser({
      onHead: (head) => {
        isProbe = head.path === probePath;
        method = head.method;
        line = `${method} ${head.target}`;
        content = "";
        trailers = "";
        if (this.#script.isEarly === true && !isProbe) this.#answer(socket, method);
      },
      onBody: (data) => {
        content += Buffer.from(data).toString("latin1");
      },
      onTrailers: (lines) => {
        trailers = Buffer.from(lines).toString("latin1");
      },
      onMessageEnd: () => {
        if (isProbe) {
          socket.write(probeAnswer);
        } else {
          this.seen.push(`${line}${quoted(content)}${trailers === "" ? "" : ` trailers${quoted(trailers)}`}`);
          this.#answer(socket, method);
        }
        parser.next();
      },
      onError: (_reason, detail) => {
        this.seen.push(`malformed: ${detail}`);
        socket.write(okAnswer);
        socket.shutdown();
      },
    });
    const peer: Peer = { socket, parser, rest: new Uint8Array(0), ended: false };
    socket.data = peer;
    this.#peers.add(peer);
  }

  #answer(socket: Bun.Socket<Peer | undefined>, method: string): void {
    const { response, fin } = this.#script;
    // Whoever tries a request again that was cut off meets the same.
    if (response === undefined || (this.#hasAnswered && fin !== true)) {
      if (response === undefined) socket.write(method === "HEAD" ? headAnswer : okAnswer);
      return;
    }
    this.#hasAnswered = true;
    // What fills the buffers is more than any proxy may take; the rest is of no interest.
    socket.write(Buffer.from(response, "latin1"));
    if (fin === true) socket.shutdown();
  }

  #onData(peer: Peer | undefined, chunk: Uint8Array): void {
    if (peer === undefined) return;
    this.raw += Buffer.from(chunk).toString("latin1");
    const bytes = peer.rest.length === 0 ? chunk : Buffer.concat([peer.rest, chunk]);
    peer.rest = bytes.slice(peer.parser.push(bytes));
  }

  #onEnd(peer: Peer | undefined): void {
    if (peer === undefined) return;
    peer.ended = true;
    peer.socket.end();
  }

  #onClose(peer: Peer | undefined): void {
    if (peer === undefined) return;
    this.#peers.delete(peer);
    if (this.#peers.size === 0) this.#onQuiet();
  }
}

export function quoted(text: string): string {
  return text === "" ? "" : ` ${JSON.stringify(text)}`;
}
