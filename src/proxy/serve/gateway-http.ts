/** HTTP that enters the mesh at a gateway's port: virtual host by authority, then its routes. */
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { selectVirtualHost } from "../../decide/index.ts";
import type { PreparedGatewayPort } from "../agent/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { outboundEdge, unreachedEdge } from "./edges.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { HttpSelection, HttpService } from "./http-service.ts";
import { strippedAtEdge } from "./overriding-http.ts";
import type { RouteSelector } from "./route-selector.ts";

/** The port's newest configuration; the listener's owner replaces it, a request reads it once. */
export interface GatewayPortHolder {
  readonly current: PreparedGatewayPort;
}

const forwardedProto = {
  http: latin1Line("x-forwarded-proto", "http"),
  https: latin1Line("x-forwarded-proto", "https"),
};

export interface GatewayClient {
  readonly holder: GatewayPortHolder;
  /** Goes into x-forwarded-for; empty where it is not known (Unix sockets). */
  readonly clientAddress: string;
  readonly scheme: "http" | "https";
  /** Of its certificate; empty: it showed none. */
  readonly identity: string;
  /** The listener that the TLS hello chose; undefined in plaintext. */
  readonly tlsListener: string | undefined;
}

export class GatewayHttp implements HttpService {
  readonly direction = "outbound";
  readonly tellsUnprocessed = false;
  readonly trustsTry = false;
  readonly scheme: "http" | "https";
  readonly servesConnect = false;
  readonly takesGrpcWeb = true;
  readonly sourceIdentity: string;
  readonly #context: ServeContext;
  readonly #selector: RouteSelector;
  readonly #holder: GatewayPortHolder;
  readonly #clientAddress: string;
  readonly #tlsListener: string | undefined;

  /** One per connection. */
  constructor(context: ServeContext, selector: RouteSelector, client: GatewayClient) {
    this.#context = context;
    this.#selector = selector;
    this.#holder = client.holder;
    this.#clientAddress = client.clientAddress;
    this.scheme = client.scheme;
    this.sourceIdentity = client.identity;
    this.#tlsListener = client.tlsListener;
  }

  get port(): number {
    return this.#holder.current.port;
  }

  select(head: HttpRequest): HttpSelection {
    const host = selectVirtualHost(this.#holder.current.hosts, head.authority);
    if (host === undefined) return { reason: "no_route", detail: "no listener has this hostname", route: "" };
    if (this.#tlsListener !== undefined && host.listener !== this.#tlsListener) {
      // RFC 9110 section 15.5.20: the client reuses a connection whose certificate and rules are another listener's.
      return { reason: "misdirected_request", detail: `it belongs to listener ${host.listener}`, route: "" };
    }
    return strippedAtEdge(head, this.#selector.select(host.routes, head, this));
  }

  addLines(head: HttpRequest, lines: HeaderLine[]): void {
    lines.push(forwardedProto[this.scheme]);
    if (this.#clientAddress === "") return;
    const before = head.get("x-forwarded-for");
    const chain = before === undefined ? this.#clientAddress : `${before}, ${this.#clientAddress}`;
    lines.push(latin1Line("x-forwarded-for", chain));
  }

  edge(route: string, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    if (endpoint === undefined) {
      return unreachedEdge(this.#context, {
        service: "",
        route,
        protocol: "http",
        port: this.#holder.current.port,
      });
    }
    return outboundEdge(this.#context, endpoint, { route, protocol: "http" });
  }
}
