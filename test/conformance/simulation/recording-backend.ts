/** An application that answers everything with 200 and keeps what it saw of each request, by its id: HTTP/1.1 or gRPC over HTTP/2. */
import { createServer, type Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

import { isCopy } from "./world.ts";

export interface Seen {
  /** "shop/one:80". */
  readonly backend: string;
  /** Behind whose proxy the application is. */
  readonly workload: string;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of the answer, for filters to edit. */
export const answerFields: readonly (readonly [string, string])[] = [
  ["x-ra", "theirs"],
  ["x-rb", "theirs"],
];

/** For a copy, behind the answer. */
const copyTimeoutMs = 5_000;

/** Shared by all backends; whoever asks takes what is his. */
export class Sightings {
  readonly #byId = new Map<string, Seen[]>();

  add(id: string, seen: Seen): void {
    const before = this.#byId.get(id);
    if (before === undefined) this.#byId.set(id, [seen]);
    else before.push(seen);
  }

  /** Until so many have come, or long enough. */
  async copies(id: string, count: number): Promise<void> {
    const endMs = performance.now() + copyTimeoutMs;
    const found = (): number => (this.#byId.get(id) ?? []).filter(({ backend }) => isCopy(backend)).length;
    while (found() < count && performance.now() < endMs) await Bun.sleep(5);
  }

  clear(): void {
    this.#byId.clear();
  }

  take(id: string): readonly Seen[] {
    const seen = this.#byId.get(id) ?? [];
    this.#byId.delete(id);
    return seen;
  }
}

export class RecordingBackend implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server | Http2Server;
  readonly #sessions: ReadonlySet<{ destroy(): void }>;

  private constructor(
    server: Server | Http2Server,
    port: number,
    sessions: ReadonlySet<{ destroy(): void }>,
  ) {
    this.#server = server;
    this.port = port;
    this.#sessions = sessions;
  }

  static async start(
    place: Served,
    protocol: "http" | "grpc",
    sightings: Sightings,
  ): Promise<RecordingBackend> {
    const sessions = new Set<{ destroy(): void }>();
    const server =
      protocol === "http" ? httpServer(place, sightings) : callServer(place, sightings, sessions);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return new RecordingBackend(server, isBound(address) ? address.port : 0, sessions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function isBound(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

type Served = Pick<Seen, "backend" | "workload">;

function httpServer(place: Served, sightings: Sightings): Server {
  return createServer((request, response) => {
    const headers = flat(request.headers);
    const { method = "", url: target = "" } = request;
    sightings.add(headers["x-request-id"] ?? "", {
      ...place,
      method,
      target,
      authority: headers["host"] ?? "",
      headers,
    });
    request.resume();
    request.on("end", () => {
      response.writeHead(200, Object.fromEntries([...answerFields, ["content-length", "2"]]));
      response.end("ok");
    });
  });
}

function callServer(place: Served, sightings: Sightings, sessions: Set<{ destroy(): void }>): Http2Server {
  const server = createHttp2Server();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, fields) => {
    const headers = flat(fields);
    const [method = "", target = ""] = [headers[":method"], headers[":path"]];
    const authority = headers[":authority"] ?? headers["host"] ?? "";
    sightings.add(headers["x-request-id"] ?? "", { ...place, method, target, authority, headers });
    stream.on("error", () => {});
    stream.resume();
    stream.on("end", () => {
      if (stream.destroyed) return;
      const isCall = headers["content-type"]?.startsWith("application/grpc") === true;
      const own = Object.fromEntries(answerFields);
      if (!isCall) {
        stream.respond({ ":status": 200, ...own });
        stream.end("ok");
        return;
      }
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", ...own },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    });
  });
  return server;
}

function flat(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : String(value),
    ]),
  );
}
