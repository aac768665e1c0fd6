/** The API's listener: checks the doors, finds what a request is about, answers every failure as a Status. */
import { rmSync } from "node:fs";
import { type Clock, type Log, systemClock, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { failure, json } from "./answers.ts";
import { hardBodyBytes } from "./body.ts";
import { discoveryDocument } from "./discovery.ts";
import { Doors, isLoopbackAddress } from "./doors.ts";
import { MeshEndpoints, type MeshProviders } from "./mesh-endpoints.ts";
import { parseRequestTarget, type RequestTarget } from "./request-target.ts";
import { Resources } from "./resources.ts";
import { Watches } from "./watch-stream.ts";
import { Writer } from "./writer.ts";

/** A client that stops in the middle of a request is not waited for longer. */
const idleTimeoutSeconds = 60;
/** How long `stop` waits for requests in flight. */
const stopTimeoutMs = 2_000;
/** A path of ordinary length. */
const maxPathLength = 8192;

export type ApiListen =
  | { readonly kind: "tcp"; readonly address: string; readonly port: number }
  | { readonly kind: "unix"; readonly unixPath: string };

export interface ApiServerOptions {
  readonly store: Store;
  readonly providers: MeshProviders;
  readonly token: string;
  readonly listen: ApiListen;
  /** Names besides the loopback ones that clients may use in `Host` and pages in `Origin`. */
  readonly hostNames?: readonly string[];
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface ApiServer {
  /** `http://127.0.0.1:15080`, or the path of the Unix socket. */
  readonly url: string;
  readonly port: number | undefined;
  /** Ends watches, waits for requests in flight. */
  stop(): Promise<void>;
}

/** Throws `address_in_use`, `permission`; `forbidden` for an address that is not loopback. */
export function startApiServer(options: ApiServerOptions): ApiServer {
  const clock = options.clock ?? systemClock;
  const { store, listen, log } = options;
  if (listen.kind === "tcp" && !isLoopbackAddress(listen.address)) {
    throw new WeftError("forbidden", `the API does not listen on ${listen.address}`, {
      hint: "it speaks plain HTTP, so only loopback addresses are allowed; use an SSH tunnel to reach it from elsewhere",
    });
  }
  const writer = new Writer(store);
  const watches = new Watches(store, clock);
  const handler = new Handler(options, {
    resources: new Resources(store, writer, watches),
    mesh: new MeshEndpoints(store, writer, options.providers, clock),
  });
  const server = serve(listen, (request, bun) => {
    // A watch is silent for as long as nothing changes.
    if (request.url.includes("watch=")) bun.timeout(request, 0);
    return handler.handle(request);
  });
  log.debug("the API listens", { address: listen.kind === "tcp" ? server.url.href : listen.unixPath });
  return {
    url: listen.kind === "tcp" ? `http://${listen.address}:${server.port}` : listen.unixPath,
    port: server.port,
    async stop() {
      watches.closeAll();
      await Promise.race([server.stop(false), Bun.sleep(stopTimeoutMs)]);
      await server.stop(true);
      if (listen.kind === "unix") rmSync(listen.unixPath, { force: true });
    },
  };
}

type Handle = (request: Request, server: Bun.Server<undefined>) => Promise<Response>;

function serve(listen: ApiListen, fetch: Handle): Bun.Server<undefined> {
  try {
    if (listen.kind === "unix") {
      // A socket file that a killed process left behind would refuse the bind; the instance's lock keeps a live one out.
      rmSync(listen.unixPath, { force: true });
      return Bun.serve({ unix: listen.unixPath, fetch, maxRequestBodySize: hardBodyBytes });
    }
    return Bun.serve({
      hostname: listen.address,
      port: listen.port,
      fetch,
      maxRequestBodySize: hardBodyBytes,
      idleTimeout: idleTimeoutSeconds,
    });
  } catch (cause) {
    throw listenError(listen, cause);
  }
}

function listenError(listen: ApiListen, cause: unknown): WeftError {
  const where = listen.kind === "unix" ? listen.unixPath : `${listen.address}:${listen.port}`;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    return new WeftError("address_in_use", `${where} is in use`, {
      cause,
      hint: "choose another with --api ADDRESS:PORT",
    });
  }
  if (code === "EACCES") {
    return new WeftError("permission", `not allowed to listen on ${where}`, {
      cause,
      hint: "choose a port above 1023",
    });
  }
  return new WeftError("io", `cannot listen on ${where}`, { cause });
}

class Handler {
  readonly #doors: Doors;
  readonly #resources: Resources;
  readonly #mesh: MeshEndpoints;
  readonly #version: string;
  readonly #log: Log;

  constructor(
    options: ApiServerOptions,
    parts: { readonly resources: Resources; readonly mesh: MeshEndpoints },
  ) {
    this.#doors = new Doors(options.token, options.hostNames ?? []);
    this.#resources = parts.resources;
    this.#mesh = parts.mesh;
    this.#version = options.version;
    this.#log = options.log;
  }

  async handle(request: Request): Promise<Response> {
    try {
      const url = new URL(request.url);
      if (url.pathname.length > maxPathLength) throw new WeftError("usage", "the path is too long");
      this.#doors.check(request, url.pathname);
      const target = parseRequestTarget(url.pathname);
      if (target === undefined) throw new WeftError("not_found", `there is nothing at ${url.pathname}`);
      return await this.#answer(request, target, url.searchParams);
    } catch (error) {
      return failure(error, this.#log);
    }
  }

  async #answer(request: Request, target: RequestTarget, query: URLSearchParams): Promise<Response> {
    switch (target.type) {
      case "health":
        return new Response("ok\n");
      case "discovery": {
        const document = discoveryDocument(target.path, this.#version);
        if (document === undefined) throw new WeftError("not_found", `there is nothing at ${target.path}`);
        return json(document);
      }
      case "mesh":
        return this.#mesh.mesh(request, target, query);
      case "join_token":
        return this.#mesh.joinToken(request, target);
      case "collection":
        return this.#resources.collection(request, target, query);
      case "object":
        return this.#resources.object(request, target, query);
    }
  }
}
