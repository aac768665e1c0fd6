/**
 * New connections at a fixed pace, whatever becomes of them (open loop): each makes one request, wants it answered with 200 and the
 * connection closed, and is counted. What is refused, reset, cut short or left without an answer is a loss.
 */

export interface ConnectionLoadOptions {
  readonly port: number;
  readonly hostname?: string;
  readonly connectionsPerSecond: number;
  readonly tls?: boolean;
}

export type ConnectionOutcome = "answered" | "refused" | "reset" | "cut short" | "unanswered" | "not 200";

const tickMs = 5;
const answerTimeoutMs = 15_000;

export class ConnectionLoad implements Disposable {
  readonly outcomes: Record<ConnectionOutcome, number> = {
    answered: 0,
    refused: 0,
    reset: 0,
    "cut short": 0,
    unanswered: 0,
    "not 200": 0,
  };
  /** What losses looked like, for messages. */
  readonly losses: string[] = [];
  readonly #options: ConnectionLoadOptions;
  readonly #request: Uint8Array;
  readonly #startedMs = performance.now();
  #opened = 0;
  #open = 0;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: ConnectionLoadOptions) {
    this.#options = options;
    const host = `${options.hostname ?? "127.0.0.1"}:${options.port}`;
    this.#request = new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    this.#tick();
  }

  get total(): number {
    return Object.values(this.outcomes).reduce((sum, count) => sum + count, 0);
  }

  get lost(): number {
    return this.total - this.outcomes.answered;
  }

  /** Opens no more and waits for what is open. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const endMs = performance.now() + answerTimeoutMs;
    while (this.#open > 0 && performance.now() < endMs) await Bun.sleep(tickMs);
    for (; this.#open > 0; this.#open--) this.#count("unanswered", "");
  }

  /** Where a test fails, its load must not go on. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isStopped = true;
  }

  #tick(): void {
    if (this.#isStopped) return;
    const elapsedMs = performance.now() - this.#startedMs;
    const due = Math.floor((elapsedMs * this.#options.connectionsPerSecond) / 1_000);
    for (; this.#opened < due; this.#opened++) this.#connect();
    this.#timer = setTimeout(() => this.#tick(), tickMs);
  }

  #connect(): void {
    this.#open++;
    const { port, hostname = "127.0.0.1", tls } = this.#options;
    let text = "";
    let isConnected = false;
    let isDone = false;
    const finish = (failure: "reset" | "refused" | undefined): void => {
      if (isDone) return;
      isDone = true;
      this.#open--;
      this.#count(judge(text, failure), text);
    };
    const send = (socket: Bun.Socket): void => {
      isConnected = true;
      socket.write(this.#request);
    };
    Bun.connect({
      hostname,
      port,
      // Without a name Bun would send the address as one, which is no name and refused.
      ...(tls === true ? { tls: { rejectUnauthorized: false, serverName: "door.example" } } : {}),
      socket: {
        open: (socket) => {
          if (tls !== true) send(socket);
        },
        handshake: (socket) => send(socket),
        data: (_socket, chunk) => {
          text += chunk.toString("latin1");
        },
        close: (_socket, error) => finish(error === undefined || error === null ? undefined : "reset"),
        error: () => finish("reset"),
        connectError: () => finish("refused"),
      },
    }).catch(() => finish(isConnected ? "reset" : "refused"));
  }

  #count(outcome: ConnectionOutcome, text: string): void {
    this.outcomes[outcome]++;
    if (outcome === "answered" || this.losses.length >= 10) return;
    this.losses.push(
      `${Math.round(performance.now() - this.#startedMs)} ms: ${outcome} ${text.slice(0, 200)}`,
    );
  }
}

function judge(text: string, failure: "reset" | "refused" | undefined): ConnectionOutcome {
  const end = text.indexOf("\r\n\r\n");
  if (end >= 0) {
    if (!text.startsWith("HTTP/1.1 200 ")) return "not 200";
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]);
    if (text.length - end - 4 >= length) return failure === "reset" ? "reset" : "answered";
  }
  return failure ?? "cut short";
}
