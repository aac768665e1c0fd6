/**
 * The dashboard's files on the API's port: the page at / and at every path that a person opens and the API does not have, the rest
 * under /dashboard/. They hold nothing about the mesh, so anybody may have them; what they show comes from the API.
 */
import { errorLine, type Log, WeftError } from "../../kernel/index.ts";
import { type Asset, chooseEncoding, isKnown, readAssets } from "./asset.ts";

/** Finds the folder that scripts/build-dashboard.mjs made, or makes it. Rejects where that cannot be. */
export type OpenDashboard = () => Promise<string>;

const assetsPath = "/dashboard/";
const yearSeconds = 31_536_000;
/** Its own scripts, styles and pictures, and its own API; nothing inline, nothing from elsewhere. */
const pagePolicy = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join("; ");

export class Dashboard {
  readonly #open: OpenDashboard;
  readonly #log: Log;
  #assets: Promise<ReadonlyMap<string, Asset>> | undefined;

  constructor(open: OpenDashboard, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  /** Undefined: the request is not for it. Throws `not_found` for a file of another build, `unavailable` where there is no build. */
  async answer(http: Request, path: string): Promise<Response | undefined> {
    if (http.method !== "GET" && http.method !== "HEAD") return undefined;
    const isFile = path.startsWith(assetsPath);
    if (!isFile && path !== "/" && !isNavigation(http)) return undefined;
    const asset = (await this.#loaded()).get(isFile ? path : "/");
    if (asset === undefined) {
      throw new WeftError("not_found", `there is nothing at ${path}`, { hint: "load the dashboard again" });
    }
    return respond(http, asset, isFile);
  }

  async #loaded(): Promise<ReadonlyMap<string, Asset>> {
    this.#assets ??= this.#open().then(readAssets);
    try {
      return await this.#assets;
    } catch (cause) {
      this.#assets = undefined;
      this.#log.warn("the dashboard cannot be served", { error: errorLine(cause) });
      throw new WeftError("unavailable", "the dashboard is not built here", {
        cause,
        hint: "bun scripts/build-dashboard.mjs node_modules/.cache/weft/dashboard builds it; the control plane's log says more",
      });
    }
  }
}

/** A person opens a page, as browsers say it; programs that ask for a path that is not there are told so. */
function isNavigation(http: Request): boolean {
  const mode = http.headers.get("sec-fetch-mode");
  if (mode !== null && mode !== "navigate") return false;
  return (http.headers.get("accept") ?? "").includes("text/html");
}

function respond(http: Request, asset: Asset, isFile: boolean): Response {
  const headers = new Headers({
    etag: asset.etag,
    vary: "accept-encoding",
    // A file's name changes with its content; the page names the files.
    "cache-control": isFile ? `public, max-age=${yearSeconds}, immutable` : "no-cache",
    "content-security-policy": pagePolicy,
  });
  if (isKnown(asset, http.headers.get("if-none-match"))) return new Response(null, { status: 304, headers });
  const encoding = chooseEncoding(http.headers.get("accept-encoding"));
  headers.set("content-type", asset.type);
  if (encoding !== "identity") headers.set("content-encoding", encoding);
  return new Response(http.method === "HEAD" ? null : asset.bodies[encoding], { headers });
}
