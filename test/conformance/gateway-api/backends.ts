/**
 * The applications behind the scenarios: each answers with its name and what it saw, over HTTP/1.1, HTTP/2 and gRPC, WebSocket,
 * TLS, lines of TCP and datagrams. A request can ask for a certain answer: `x-echo-status`, `x-echo-delay-ms`, `x-echo-set:
 * name=value`, `x-echo-fail: <key>/<how many>/<status>`, `x-echo-slow: <key>/<how many>/<ms>`; with `/<name>` behind either
 * only the backend of that name. What has its name in the path `/unhealthy/<names>` answers 503.
 */
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { TestIdentity } from "./certificates.ts";

export interface Seen {
  readonly backend: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface BackendPorts {
  readonly http: number;
  readonly h2c: number;
  readonly https: number;
  readonly tcp: number;
  readonly udp: number;
}

/** More than any scenario sends. */
const maxRemembered = 20_000;

export class Backend implements AsyncDisposable {
  readonly name: string;
  readonly seen: Seen[] = [];
  /** How many requests of each key were made to fail or wait. */
  readonly #troubled = new Map<string, number>();
  readonly #closers: (() => void | Promise<void>)[] = [];
  #ports: BackendPorts = { http: 0, h2c: 0, https: 0, tcp: 0, udp: 0 };

  private constructor(name: string) {
    this.name = name;
  }

  get ports(): BackendPorts {
    return this.#ports;
  }

  static async start(name: string, tls: TestIdentity): Promise<Backend> {
    const backend = new Backend(name);
    backend.#ports = {
      http: backend.#serveHttp(undefined),
      h2c: await backend.#serveHttp2(),
      https: backend.#serveHttp(tls),
      tcp: backend.#serveLines(),
      udp: await backend.#serveDatagrams(),
    };
    return backend;
  }

  forget(): void {
    this.seen.length = 0;
    this.#troubled.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
  }

  #remember(seen: Seen): void {
    if (this.seen.length < maxRemembered) this.seen.push(seen);
  }

  /** Status and extra headers that the request asked for. */
  #answer({ headers, path }: Seen): { readonly status: number; readonly set: Record<string, string> } {
    const set: Record<string, string> = {};
    const [name, value] = headers["x-echo-set"]?.split("=") ?? [];
    if (name !== undefined && value !== undefined) set[name] = value;
    const failure = this.#trouble(headers["x-echo-fail"]);
    if (failure !== undefined) return { status: failure, set };
    if (path.startsWith("/unhealthy/") && path.includes(this.name)) return { status: 503, set };
    return { status: Number(headers["x-echo-status"] ?? 200), set };
  }

  #delayMs(headers: Readonly<Record<string, string>>): number {
    return this.#trouble(headers["x-echo-slow"]) ?? Number(headers["x-echo-delay-ms"] ?? 0);
  }

  /** `<key>/<how many>/<number>[/<name>]`: the number, so often for each key. */
  #trouble(text: string | undefined): number | undefined {
    const [key, times, value, only = this.name] = text?.split("/") ?? [];
    if (key === undefined || value === undefined || only !== this.name) return undefined;
    const before = this.#troubled.get(key) ?? 0;
    this.#troubled.set(key, before + 1);
    return before < Number(times) ? Number(value) : undefined;
  }

  #serveHttp(tls: TestIdentity | undefined): number {
    const { name } = this;
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      ...(tls === undefined ? {} : { tls: { cert: tls.certChainPem, key: tls.privateKeyPem } }),
      fetch: async (request, self) => {
        if (request.headers.get("upgrade") === "websocket" && self.upgrade(request)) return undefined;
        const url = new URL(request.url);
        const headers = Object.fromEntries(request.headers);
        const path = url.pathname + url.search;
        const host = request.headers.get("host") ?? "";
        const seen = { backend: name, method: request.method, path, host, version: "1.1", headers };
        this.#remember(seen);
        const body = await request.text();
        const delayMs = this.#delayMs(headers);
        if (delayMs > 0) await Bun.sleep(delayMs);
        const { status, set } = this.#answer(seen);
        return Response.json({ ...seen, body }, { status, headers: set });
      },
      websocket: {
        message: (socket, message) => void socket.send(`${name}:${String(message)}`),
      },
    });
    this.#closers.push(() => server.stop(true));
    return server.port ?? 0;
  }

  async #serveHttp2(): Promise<number> {
    const server: Http2Server = createHttp2Server();
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
    });
    server.on("stream", (stream: ServerHttp2Stream, fields) => {
      const headers = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]));
      const seen = {
        backend: this.name,
        method: headers[":method"] ?? "",
        path: headers[":path"] ?? "",
        host: headers[":authority"] ?? headers["host"] ?? "",
        version: "2",
        headers,
      };
      this.#remember(seen);
      stream.on("error", () => {});
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { status, set } = this.#answer(seen);
        const answer = (): void => {
          if (stream.destroyed) return;
          if (headers["content-type"]?.startsWith("application/grpc") === true) {
            const status = headers["x-echo-grpc-status"] ?? "0";
            if (status !== "0") {
              // Of trailers only, as servers say what failed before they had a message.
              const fields = { ":status": 200, "content-type": "application/grpc", "grpc-status": status };
              stream.respond({ ...fields, ...set }, { endStream: true });
              return;
            }
            const json = Buffer.from(JSON.stringify(seen));
            const frame = Buffer.alloc(5 + json.length);
            frame.writeUInt32BE(json.length, 1);
            json.copy(frame, 5);
            stream.respond(
              { ":status": 200, "content-type": "application/grpc", ...set },
              { waitForTrailers: true },
            );
            stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
            stream.end(frame);
          } else {
            stream.respond({ ":status": status, "content-type": "application/json", ...set });
            stream.end(JSON.stringify({ ...seen, body: Buffer.concat(chunks).toString() }));
          }
        };
        const delayMs = this.#delayMs(headers);
        if (delayMs > 0) setTimeout(answer, delayMs);
        else answer();
      });
    });
    this.#closers.push(
      () =>
        new Promise((resolve) => {
          for (const session of sessions) session.destroy();
          server.close(() => resolve());
        }),
    );
    return await new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  #serveLines(): number {
    const { name } = this;
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket, data) => {
          const line = data.toString();
          this.#remember({ backend: name, method: "", path: line, host: "", version: "tcp", headers: {} });
          socket.write(`${name}:${line}`);
        },
      },
    });
    this.#closers.push(() => server.stop(true));
    return server.port;
  }

  async #serveDatagrams(): Promise<number> {
    const { name } = this;
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: (self, data, port, address) => {
          const line = data.toString();
          this.#remember({ backend: name, method: "", path: line, host: "", version: "udp", headers: {} });
          self.send(`${name}:${line}`, port, address);
        },
      },
    });
    this.#closers.push(() => socket.close());
    return socket.port;
  }
}
