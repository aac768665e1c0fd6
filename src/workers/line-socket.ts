/** Lines of JSON over a Unix socket, in both directions. */
import { maxLineBytes } from "./hand-over-messages.ts";

export interface LineEvents {
  onLine(line: string, socket: LineSocket): void;
  /** Once, however it ended. */
  onClosed(socket: LineSocket): void;
}

export class LineSocket {
  readonly #socket: Bun.Socket<LineSocket | undefined>;
  readonly #events: LineEvents;
  #received = "";
  #isClosed = false;

  constructor(socket: Bun.Socket<LineSocket | undefined>, events: LineEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  static handlers(events: LineEvents): Bun.SocketHandler<LineSocket | undefined> {
    return {
      open(socket) {
        socket.data = new LineSocket(socket, events);
      },
      data(socket, chunk) {
        socket.data?.onData(chunk.toString("utf8"));
      },
      close(socket) {
        socket.data?.onClose();
      },
      error(socket) {
        socket.data?.close();
      },
    };
  }

  /** Messages are far smaller than a socket's empty buffer: one that is not taken whole means that nobody reads. */
  send(message: object): void {
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
    if (this.#socket.write(bytes) !== bytes.length) this.close();
  }

  close(): void {
    this.#socket.end();
    this.onClose();
  }

  onData(text: string): void {
    this.#received += text;
    if (this.#received.length > maxLineBytes) {
      this.close();
      return;
    }
    const lines = this.#received.split("\n");
    this.#received = lines.pop() ?? "";
    for (const line of lines) if (!this.#isClosed) this.#events.onLine(line, this);
  }

  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClosed(this);
  }
}
