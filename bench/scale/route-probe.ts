/** Asks one proxy over and over which route it runs: the route answers with a redirect whose path names its version. */

/** More than the head of one redirect. */
const maxHeadBytes = 16 * 1024;
const request = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

export class RouteProbe {
  readonly #socket: Bun.Socket;
  #text = "";
  #answered: ((version: number) => void) | undefined;

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
  }

  static async open(address: string, port: number): Promise<RouteProbe> {
    let probe: RouteProbe | undefined;
    const socket = await Bun.connect({
      hostname: address,
      port,
      socket: {
        data: (_, chunk) => probe?.receive(chunk.toString("latin1")),
        error: (_, error) => {
          throw error;
        },
      },
    });
    probe = new RouteProbe(socket);
    return probe;
  }

  /** The version of the route that answered; 0: another route, or none. */
  version(): Promise<number> {
    const answered = new Promise<number>((resolve) => {
      this.#answered = resolve;
    });
    this.#socket.write(request);
    return answered;
  }

  receive(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (this.#text.length > maxHeadBytes) throw new Error("the answer is no redirect");
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    const body = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + body) return;
    this.#text = this.#text.slice(end + 4 + body);
    this.#answered?.(Number(/^location: .*\/v(\d+)$/im.exec(head)?.[1] ?? 0));
  }

  close(): void {
    this.#socket.end();
  }
}
