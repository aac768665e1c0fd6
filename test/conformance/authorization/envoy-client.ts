/** Requests to Envoy over one connection from a chosen source address, written exactly as they are given. */
import { connect, type Socket } from "node:net";

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

export class HttpClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #received = "";

  constructor(port: number, localAddress: string) {
    this.#socket = connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#receive(text));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("envoy closed the connection")));
  }

  static canConnect(port: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    return promise.finally(() => socket.destroy());
  }

  /** "allow" or "deny", else what it said. Requests wait for one another as Envoy answers in order. */
  ask(head: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.push({ resolve, reject });
    this.#socket.write(head);
    return promise;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = this.#received.slice(0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#received.length < end + 4 + length) return;
      this.#received = this.#received.slice(end + 4 + length);
      this.#waiting.shift()?.resolve(verdictOf(head));
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** A call that is denied is answered with 200 and PERMISSION_DENIED. */
function verdictOf(head: string): string {
  const grpcStatus = /\r\ngrpc-status: (\d+)/i.exec(head)?.[1];
  if (head.startsWith("HTTP/1.1 403") || grpcStatus === "7") return "deny";
  return head.startsWith("HTTP/1.1 200") ? "allow" : head;
}
