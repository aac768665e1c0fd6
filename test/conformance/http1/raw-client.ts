/** The client in front of the proxy: sends exact bytes and writes down the answers, judged by a strict parser. */
import { ResponseParser } from "../../../src/http1/index.ts";
import { quoted } from "./recording-upstream.ts";

export class RawClient {
  /** `status "content"` for each whole answer, `interim status`, `status "content" cut`, `unreadable: detail`. */
  readonly answers: string[] = [];
  /** Every byte that came. */
  raw = "";
  isClosed = false;
  readonly #socket: Bun.Socket;
  readonly #parser: ResponseParser;
  readonly #methods: string[];
  #open: { status: number; content: string } | undefined;
  #isTunnel = false;
  #tunnelled = "";
  #unsent: Buffer[] = [];
  #wake: () => void = () => {};

  private constructor(socket: Bun.Socket, methods: readonly string[], asksForUpgrade: boolean) {
    this.#socket = socket;
    this.#methods = [...methods];
    this.#parser = new ResponseParser({
      onInterim: (head) => this.answers.push(`interim ${head.status}`),
      onHead: (head) => {
        this.#open = { status: head.status, content: "" };
        this.#isTunnel = head.status === 101;
      },
      onBody: (data) => {
        if (this.#open !== undefined) this.#open.content += Buffer.from(data).toString("latin1");
      },
      onMessageEnd: () => {
        this.#finish("");
        if (!this.#isTunnel) this.#parser.expect(this.#methods.shift() ?? "GET", false);
      },
      onError: (_reason, detail) => {
        if (this.#open !== undefined) this.#finish(" cut");
        else if (detail !== "closed in the middle of a response") this.answers.push(`unreadable: ${detail}`);
      },
    });
    this.#parser.expect(this.#methods.shift() ?? "GET", asksForUpgrade);
  }

  static async connect(
    port: number,
    methods: readonly string[],
    asksForUpgrade: boolean,
  ): Promise<RawClient> {
    const holder: { client: RawClient | undefined } = { client: undefined };
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: (_socket, chunk) => holder.client?.onData(chunk),
        end: () => holder.client?.onEnd(),
        close: () => holder.client?.onEnd(),
        error: () => holder.client?.onEnd(),
        drain: () => holder.client?.flush(),
      },
    });
    holder.client = new RawClient(socket, methods, asksForUpgrade);
    return holder.client;
  }

  /** Whole answers, and what a tunnel brought. */
  get finals(): readonly string[] {
    const finals = this.answers.filter((answer) => !answer.startsWith("interim "));
    return this.#tunnelled === "" ? finals : [...finals, `tunnel${quoted(this.#tunnelled)}`];
  }

  write(text: string): void {
    this.#unsent.push(Buffer.from(text, "latin1"));
    this.flush();
  }

  flush(): void {
    for (;;) {
      const first = this.#unsent[0];
      if (first === undefined) return;
      const written = this.#socket.write(first);
      if (written < first.length) {
        if (written > 0) this.#unsent[0] = first.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** False where it did not happen within `timeoutMs`. */
  async until(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!isTrue()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  onData(chunk: Uint8Array): void {
    this.raw += Buffer.from(chunk).toString("latin1");
    const consumed = this.#parser.push(chunk);
    if (this.#isTunnel) this.#tunnelled += Buffer.from(chunk.subarray(consumed)).toString("latin1");
    this.#wake();
  }

  onEnd(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#parser.end();
    this.#wake();
  }

  #finish(mark: string): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.answers.push(`${open.status}${quoted(open.content)}${mark}`);
  }
}
