/** The admin and the health port of a parent of workers: the same paths as a single process has, answered for all of them. */
import { errorLine, prometheusContentType, WeftError } from "../kernel/index.ts";
import { type Place, placeText } from "./messages.ts";

export interface PageSource {
  metrics(): Promise<string>;
  config(): Promise<unknown>;
  /** Undefined: ready; else what is missing. */
  notReady(): string | undefined;
}

export class PageServer {
  readonly #server: Bun.Server<undefined>;

  private constructor(server: Bun.Server<undefined>) {
    this.#server = server;
  }

  /** Throws `address_in_use` or `io`. */
  static openAdmin(place: Place, source: PageSource): PageServer {
    return new PageServer(
      serve(place, async (path) => {
        switch (path) {
          case "/metrics":
            return new Response(await source.metrics(), {
              headers: { "content-type": prometheusContentType },
            });
          case "/config":
            return Response.json(await source.config());
          case "/healthz/ready":
            return readiness(source);
          default:
            return new Response("not found; try /metrics, /config or /healthz/ready\n", { status: 404 });
        }
      }),
    );
  }

  static openHealth(place: Place, source: PageSource): PageServer {
    return new PageServer(
      serve(place, async (path) =>
        path === "/healthz/ready"
          ? readiness(source)
          : new Response("not found; try /healthz/ready\n", { status: 404 }),
      ),
    );
  }

  get bound(): Place {
    return { address: this.#server.hostname ?? "", port: this.#server.port ?? 0 };
  }

  close(): void {
    void this.#server.stop(true);
  }
}

function readiness(source: PageSource): Response {
  const missing = source.notReady();
  return missing === undefined
    ? new Response("ready\n")
    : new Response(`not ready: ${missing}\n`, { status: 503 });
}

function serve(place: Place, answer: (path: string) => Promise<Response>): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: place.address,
      port: place.port,
      fetch: (request) => answer(new URL(request.url).pathname),
      error: (error) => new Response(`${errorLine(error)}\n`, { status: 500 }),
    });
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    throw new WeftError(
      isTaken ? "address_in_use" : "io",
      `cannot listen on ${placeText(place)} for administration`,
      {
        cause,
        hint: isTaken
          ? "end the program that holds it or choose another port"
          : "is it this machine's address?",
      },
    );
  }
}
