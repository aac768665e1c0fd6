/** One keep-alive connection of the load generator: a request at a time, small answers, every end accounted for. */

/** The status, or why there was none. */
export type Outcome = number | "refused" | "closed" | "malformed" | "unanswered" | "overrun";

type Answered = (outcome: Outcome, body: string) => void;

export interface ConnectionEvents {
  onIdle(): void;
  /** Exactly once, last. `wasConnected` is false where it was never opened. */
  onGone(wasConnected: boolean): void;
}

/** The tests' answers are short; more is not one of them. */
const maxAnswerLength = 65_536;

export class LoadConnection {
  readonly #events: ConnectionEvents;
  #socket: Bun.Socket | undefined;
  #answered: Answered | undefined;
  #text = "";
  #isGone = false;

  constructor(target: { readonly hostname: string; readonly port: number }, events: ConnectionEvents) {
    this.#events = events;
    Bun.connect({
      ...target,
      socket: {
        open: (socket) => {
          socket.setNoDelay(true);
          this.#socket = socket;
          events.onIdle();
        },
        data: (_socket, chunk) => this.#onData(chunk.toString("latin1")),
        close: () => this.#gone("closed"),
        error: () => this.#gone("closed"),
        connectError: () => this.#gone("closed"),
      },
    }).catch(() => this.#gone("closed"));
  }

  get isBusy(): boolean {
    return this.#answered !== undefined;
  }

  send(request: Uint8Array, answered: Answered): void {
    this.#answered = answered;
    this.#text = "";
    // A request is far smaller than a socket's empty send buffer: what is not taken whole means that the connection is dead.
    if (this.#socket?.write(request) !== request.length) this.close();
  }

  close(): void {
    this.#socket?.terminate();
    this.#gone("unanswered");
  }

  #onData(chunk: string): void {
    this.#text += chunk;
    if (this.#answered === undefined) {
      // Nothing was asked: an answer before its request, such as the 408 of an idle connection.
      this.close();
      return;
    }
    const answer = readAnswer(this.#text);
    if (answer === "more" && this.#text.length <= maxAnswerLength) return;
    const answered = this.#answered;
    this.#answered = undefined;
    if (answer === "more" || answer === "malformed") {
      answered("malformed", this.#text);
      this.close();
      return;
    }
    answered(answer.status, answer.body);
    if (answer.closes) this.close();
    else this.#events.onIdle();
  }

  #gone(outcome: Outcome): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(outcome, "");
    this.#events.onGone(this.#socket !== undefined);
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly closes: boolean;
}

function readAnswer(text: string): Answer | "more" | "malformed" {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return "more";
  const head = text.slice(0, headEnd + 2).toLowerCase();
  const status = Number(/^http\/1\.1 (\d{3}) /.exec(head)?.[1]);
  if (Number.isNaN(status)) return "malformed";
  const body = readBody(text.slice(headEnd + 4), head);
  if (body === undefined) return "more";
  return { status, body, closes: /\r\nconnection: close\r\n/.test(head) };
}

function readBody(rest: string, head: string): string | undefined {
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? undefined : rest.slice(0, Number(length));
  if (!/\r\ntransfer-encoding: chunked\r\n/.test(head)) return "";
  if (!rest.endsWith("0\r\n\r\n")) return undefined;
  return rest
    .split("\r\n")
    .filter((_line, i) => i % 2 === 1)
    .join("");
}
