/** The proxy's own pages (15020) and the health port (15021). Plain HTTP for operators and scrapers, never on the data path. */
import { toJson } from "@bufbuild/protobuf";
import { WeftError } from "../../kernel/index.ts";
import type { ListenAddress } from "../bootstrap.ts";
import { type Refusal, RefusalSchema } from "../../wire/index.ts";
import {
  answerScrape,
  type ApplicationMetrics,
  type MetricFamily,
  type RecentRefusals,
  type SeriesRegistry,
} from "../telemetry/index.ts";

export interface AdminSource {
  readonly series: SeriesRegistry;
  readonly families: readonly MetricFamily[];
  /** Goes out behind ours; undefined: there is no application. */
  readonly application?: ApplicationMetrics | undefined;
  /** Undefined: ready; else what is missing. */
  notReady(): string | undefined;
  /** What runs at the moment; holds no secret. */
  config(): unknown;
  readonly refusals: RecentRefusals;
}

export class AdminServer {
  readonly #server: Bun.Server<undefined>;

  private constructor(server: Bun.Server<undefined>) {
    this.#server = server;
  }

  /** Metrics, readiness and configuration. Throws `address_in_use` or `permission`. */
  static openAdmin(address: ListenAddress, source: AdminSource): AdminServer {
    return new AdminServer(
      serve(address, (path, accept) => {
        switch (path) {
          case "/metrics":
            return answerScrape(source, accept);
          case "/config":
            return Response.json(source.config());
          case "/healthz/ready":
            return readiness(source);
          case "/refusals":
            return Response.json(source.refusals.all().map(refusalPage));
          default:
            return path.startsWith("/refusals/")
              ? refusalOf(source, decodeURIComponent(path.slice("/refusals/".length)))
              : new Response("not found; try /metrics, /config, /refusals or /healthz/ready\n", {
                  status: 404,
                });
        }
      }),
    );
  }

  /** Readiness alone, for whoever may not see the rest. */
  static openHealth(address: ListenAddress, source: AdminSource): AdminServer {
    return new AdminServer(
      serve(address, (path) =>
        path === "/healthz/ready"
          ? readiness(source)
          : new Response("not found; try /healthz/ready\n", { status: 404 }),
      ),
    );
  }

  get bound(): ListenAddress {
    return { address: this.#server.hostname ?? "", port: this.#server.port ?? 0 };
  }

  close(): void {
    void this.#server.stop(true);
  }
}

function refusalOf({ refusals }: AdminSource, requestId: string): Response {
  const refusal = refusals.find(requestId);
  return refusal === undefined
    ? new Response("no such refusal is remembered here\n", { status: 404 })
    : Response.json(refusalPage(refusal));
}

function refusalPage(refusal: Refusal): unknown {
  return toJson(RefusalSchema, refusal);
}

function readiness(source: AdminSource): Response {
  const missing = source.notReady();
  return missing === undefined
    ? new Response("ready\n")
    : new Response(`not ready: ${missing}\n`, { status: 503 });
}

type Answer = (path: string, accept: string | null) => Response | Promise<Response>;

function serve(address: ListenAddress, answer: Answer): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: address.address,
      port: address.port,
      // Nothing here takes a body.
      maxRequestBodySize: 1_024,
      fetch(request) {
        if (request.method !== "GET" && request.method !== "HEAD") {
          return new Response("only GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
        }
        return answer(new URL(request.url).pathname, request.headers.get("accept"));
      },
    });
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    throw new WeftError(
      isTaken ? "address_in_use" : "io",
      `cannot listen on ${address.address}:${address.port} for administration`,
      {
        cause,
        hint: isTaken
          ? "end the program that holds it or choose another port"
          : "is it this machine's address?",
      },
    );
  }
}
