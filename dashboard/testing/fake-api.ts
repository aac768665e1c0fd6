/**
 * A control plane that is not there: the API's documents about a fake mesh, its login, and the dashboard's own files, served as the
 * real one serves them. For developing the dashboard and for its tests.
 *
 *   bun dashboard/testing/serve.ts [shop|large|hostile] [PORT]
 */
import { Dashboard } from "../../src/apiserver/dashboard/dashboard.ts";
import { withSecurityHeaders } from "../../src/apiserver/security-headers.ts";
import { silentLog } from "../../src/kernel/index.ts";
import { serviceViewOf, servicesOf, signalsOf, topologyOf } from "./fake-documents.ts";
import type { FakeMesh } from "./fake-mesh.ts";
import { certificatesOf, findingsOf, historyOf, objectsOf, statusOf } from "./fake-state.ts";
import { explanationOf } from "./fake-explanation.ts";
import { hopsOf, requestId } from "./fake-tap.ts";

export interface FakeApiOptions {
  readonly mesh: FakeMesh;
  /** That scripts/build-dashboard.mjs made. */
  readonly folder: string;
  readonly port?: number;
  /** Of the documents. Default: the machine's. */
  readonly nowMs?: () => number;
}

export const fakeToken = "fake-token";
const base = "/apis/weft.dev/v1alpha1/";
const cookie = "weft-session=fake";
const tapEveryMs = 120;

export class FakeApi {
  readonly #options: FakeApiOptions;
  readonly #dashboard: Dashboard;
  readonly #server: Bun.Server<undefined>;
  readonly #startMs = Date.now();
  /** Every path that was asked for, without its query. Bounded: the newest. */
  readonly asked: string[] = [];
  /** The API answers with this status instead, until it is undefined again. */
  failing: 401 | 403 | 503 | undefined;

  constructor(options: FakeApiOptions) {
    this.#options = options;
    this.#dashboard = new Dashboard(() => Promise.resolve(options.folder), silentLog);
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      idleTimeout: 60,
      fetch: async (http) => withSecurityHeaders(await this.#answer(http), "fake", false),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(http: Request): Promise<Response> {
    const url = new URL(http.url);
    const path = url.pathname;
    this.asked.push(path);
    if (this.asked.length > 10_000) this.asked.splice(0, 5_000);
    if (path.startsWith("/auth/")) return this.#auth(http, path);
    if (!path.startsWith("/apis/")) {
      const page = await this.#dashboard.answer(http, path);
      return page ?? failure(404, `there is nothing at ${path}`);
    }
    if (this.failing !== undefined) return failure(this.failing, messages[this.failing]);
    if (!(http.headers.get("cookie") ?? "").includes(cookie))
      return failure(401, "a valid bearer token is needed");
    if (path.startsWith(base)) return this.#mesh(http, path.slice(base.length), url.searchParams);
    return this.#objects(path);
  }

  #auth(http: Request, path: string): Response {
    const session = {
      user: "mira@example.org",
      groups: ["operators"],
      csrfToken: "csrf",
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    };
    if (path === "/auth/methods") return Response.json({ token: true, oidc: true });
    if (path === "/auth/logout") {
      return Response.json(
        { loggedIn: false },
        { headers: { "set-cookie": "weft-session=; Path=/; Max-Age=0" } },
      );
    }
    if (path === "/auth/login") {
      if (http.headers.get("authorization") !== `Bearer ${fakeToken}`)
        return failure(401, "a login needs a valid bearer token");
      return Response.json(session, {
        status: 201,
        headers: { "set-cookie": `${cookie}; Path=/; HttpOnly; SameSite=Strict` },
      });
    }
    if (this.failing === 503) return failure(503, messages[503]);
    if ((http.headers.get("cookie") ?? "").includes(cookie) && this.failing !== 401)
      return Response.json(session);
    return failure(401, "there is no session");
  }

  #mesh(http: Request, rest: string, query: URLSearchParams): Response {
    const { mesh } = this.#options;
    const nowMs = (this.#options.nowMs ?? Date.now)();
    const windowSeconds = Number(query.get("window") ?? 900);
    const [what = "", ...more] = rest.split("/").map(decodeURIComponent);
    switch (what) {
      case "status":
        return Response.json(statusOf(mesh, this.#startMs));
      case "topology":
        return Response.json(topologyOf(mesh, windowSeconds, nowMs));
      case "services":
        return Response.json(servicesOf(mesh, nowMs));
      case "serviceviews": {
        const view = serviceViewOf(mesh, more.join("/"), windowSeconds, nowMs);
        return view === undefined ? failure(404, `Service ${more.join("/")} not found`) : Response.json(view);
      }
      case "signals": {
        const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
        const stepMs = number("stepMs", 10_000);
        const toMs = number("toMs", Math.floor(nowMs / stepMs) * stepMs);
        const range = { fromMs: number("fromMs", toMs - 900_000), toMs, stepMs };
        return Response.json(
          signalsOf(mesh, {
            ...range,
            service: query.get("service") ?? undefined,
            by: query.get("by") ?? undefined,
          }),
        );
      }
      case "findings":
        return Response.json(findingsOf(mesh));
      case "history":
        return Response.json({ items: historyOf(this.#startMs, Number(query.get("limit") ?? 50)) });
      case "certificates":
        return Response.json(certificatesOf(mesh, this.#startMs));
      case "refusals":
      case "plaintextcallers":
        return Response.json({ items: [] });
      case "requests": {
        const n = Number.parseInt((more[0] ?? "").split("-").at(-1) ?? "", 16);
        const known = more[0] === requestId(n);
        return known
          ? Response.json({ hops: hopsOf(mesh, n, this.#startMs) })
          : failure(404, `request ${more[0] ?? ""} not found`);
      }
      case "explain":
        return http.method === "POST" && http.headers.get("weft-csrf") === "csrf"
          ? Response.json(explanationOf(mesh, "http://reviews/"))
          : failure(403, "a session's write needs its token in the header weft-csrf");
      case "tap":
        return this.#tap(http);
      default:
        return this.#objects(`${base}${rest}`);
    }
  }

  #objects(path: string): Response {
    const match =
      /^\/apis\/[^/]+\/[^/]+\/(?:namespaces\/(?<namespace>[^/]+)\/)?(?<plural>[^/]+)(?:\/(?<name>[^/]+))?$/.exec(
        path,
      );
    const kind =
      { httproutes: "HTTPRoute", authorizationpolicies: "AuthorizationPolicy" }[
        match?.groups?.["plural"] ?? ""
      ] ?? "";
    const items = objectsOf(this.#options.mesh, kind, this.#startMs);
    if (match?.groups?.["name"] === undefined) return Response.json({ kind: `${kind}List`, items });
    const name = decodeURIComponent(match.groups["name"]);
    const found = items.find(
      ({ metadata }) =>
        metadata.name === name &&
        metadata.namespace === decodeURIComponent(match.groups?.["namespace"] ?? ""),
    );
    return found === undefined ? failure(404, `${name} not found`) : Response.json(found);
  }

  #tap(http: Request): Response {
    const { mesh } = this.#options;
    let n = 0;
    let timer: Timer | undefined;
    const lines = new ReadableStream<string>({
      start(controller) {
        const send = (message: object): void => controller.enqueue(`${JSON.stringify(message)}\n`);
        send({ type: "started", proxies: mesh.services.length });
        timer = setInterval(() => {
          for (const record of hopsOf(mesh, n++, Date.now()).slice(0, 2)) send({ type: "record", record });
          if (n % 50 === 0) send({ type: "loss", proxy: "shop/frontend-1", count: 3 });
        }, tapEveryMs);
      },
      cancel: () => clearInterval(timer),
    });
    http.signal.addEventListener("abort", () => clearInterval(timer));
    return new Response(lines.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "application/x-ndjson" },
    });
  }
}

const messages = {
  401: "a valid bearer token is needed",
  403: 'user "mira" may not get mesh/status',
  503: "the store is not open",
} as const;

function failure(code: number, message: string): Response {
  return Response.json(
    { kind: "Status", apiVersion: "v1", status: "Failure", code, message },
    { status: code },
  );
}
