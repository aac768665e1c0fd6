/** Where RequestRedirect sends a client: the rules of Gateway API for scheme, host, port and path of the new location. */
import type { Redirect } from "../model/index.ts";
import { hostOf } from "./authority.ts";
import { PreparedPathRewrite } from "./path-rewrite.ts";
import type { HttpRequestView } from "./request-view.ts";

/** What the request came in on: facts of the connection, never what a client says in a header. */
export interface RequestOrigin {
  readonly scheme: "http" | "https";
  /** Of the listener, or of the service that was dialled. */
  readonly port: number;
  /** Host header or `:authority`; empty where there is none. */
  readonly authority: string;
}

const wellKnownPorts = new Map([
  ["http", 80],
  ["https", 443],
]);

export class PreparedRedirect {
  readonly status: number;
  readonly #scheme: string;
  readonly #hostname: string;
  readonly #port: number;
  readonly #path: PreparedPathRewrite | undefined;

  private constructor(redirect: Redirect, path: PreparedPathRewrite | undefined) {
    this.status = redirect.status;
    this.#scheme = redirect.scheme;
    this.#hostname = redirect.hostname;
    // A scheme that has no port of its own keeps the listener's.
    this.#port = redirect.port || (wellKnownPorts.get(redirect.scheme) ?? 0);
    this.#path = path;
  }

  /** `matched`: the prefix of the rule's match. */
  static prepare(redirect: Redirect | undefined, matched: string): PreparedRedirect | undefined {
    if (redirect === undefined) return undefined;
    return new PreparedRedirect(redirect, PreparedPathRewrite.prepare(redirect.path, matched));
  }

  /** An absolute URL. Undefined: neither the redirect nor the request names a host. */
  locate(view: HttpRequestView, origin: RequestOrigin): string | undefined {
    const scheme = this.#scheme || origin.scheme;
    const host = this.#hostname || hostOf(origin.authority);
    if (host === "") return undefined;
    const port = this.#port || origin.port;
    const shownPort = wellKnownPorts.get(scheme) === port ? "" : `:${port}`;
    const path = this.#path?.apply(view.path) ?? view.path;
    const query = view.query === "" ? "" : `?${view.query}`;
    // The asterisk form and CONNECT have no path that a location could have.
    return `${scheme}://${host}${shownPort}${path.startsWith("/") ? path : "/"}${query}`;
  }
}
