/** Requests to Envoy from a chosen source address, one after the other, written exactly as they are given. */
import { connect, type Socket } from "node:net";

interface Waiting {
  readonly head: string;
  readonly resolve: (answer: string) => void;
}

export class HttpClient {
  readonly #port: number;
  readonly #localAddress: string;
  readonly #waiting: Waiting[] = [];
  #socket: Socket | undefined;
  #asked: Waiting | undefined;
  #received = "";

  constructor(port: number, localAddress: string) {
    this.#port = port;
    this.#localAddress = localAddress;
  }

  static canConnect(port: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    return promise.finally(() => socket.destroy());
  }

  /** "allow" or "deny", else what it said. */
  ask(head: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push({ head, resolve });
    this.#askNext();
    return promise;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #askNext(): void {
    if (this.#asked !== undefined) return;
    this.#asked = this.#waiting.shift();
    if (this.#asked === undefined) return;
    this.#socket ??= this.#connect();
    this.#socket.write(this.#asked.head);
  }

  /** Anew where Envoy has closed the one before. */
  #connect(): Socket {
    const socket = connect({
      host: "127.0.0.1",
      port: this.#port,
      localAddress: this.#localAddress,
      noDelay: true,
    });
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#socket = undefined;
      this.#answer("closed without an answer");
    });
    return socket;
  }

  #receive(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    this.#answer(verdictOf(head));
  }

  #answer(answer: string): void {
    this.#received = "";
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.resolve(answer);
    this.#askNext();
  }
}

/** A call that is denied is answered with 200 and PERMISSION_DENIED. */
function verdictOf(head: string): string {
  const grpcStatus = /\r\ngrpc-status: (\d+)/i.exec(head)?.[1];
  if (head.startsWith("HTTP/1.1 403") || grpcStatus === "7") return "deny";
  return head.startsWith("HTTP/1.1 200") ? "allow" : head;
}
