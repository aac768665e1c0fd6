/** HTTP from the local application to one service port, or to a workload dialled directly. */
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { PreparedOutbound } from "../agent/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { requestEdge, unreachedEdge } from "./edges.ts";
import type { HttpDestination, HttpSelection, HttpService } from "./http-service.ts";
import type { RouteSelector } from "./route-selector.ts";
import { prepareSession } from "./prepare-session.ts";

export class OutboundHttp implements HttpService {
  readonly direction = "outbound";
  readonly tellsUnprocessed = false;
  readonly trustsTry = true;
  readonly scheme = "http";
  readonly servesConnect = true;
  readonly takesGrpcWeb = false;
  readonly sourceIdentity: string;
  readonly #context: ServeContext;
  readonly #selector: RouteSelector;
  readonly #key: string;
  readonly #service: string;
  readonly port: number;
  #prepared: PreparedOutbound;
  #default: HttpDestination | undefined;
  #touchedMs = 0;

  constructor(context: ServeContext, selector: RouteSelector, prepared: PreparedOutbound) {
    this.sourceIdentity = context.identity;
    this.#context = context;
    this.#selector = selector;
    this.#prepared = prepared;
    this.#key = prepared.key;
    this.#service = `${prepared.outbound.namespace}/${prepared.outbound.service}`;
    this.port = prepared.outbound.port;
  }

  /** The newest form that a request was selected by. */
  get outbound(): PreparedOutbound["outbound"] {
    return this.#prepared.outbound;
  }

  select(head: HttpRequest, requestId: string): HttpSelection {
    this.#touch();
    const known = this.#context.agent.snapshot.outbound(this.#key);
    if (known === "unknown") {
      return { reason: "destination_unknown", detail: `${this.#service} has been deleted`, route: "" };
    }
    // Its subscription ran out while this connection slept: what was known last still holds.
    if (known !== undefined) this.#prepared = known;
    const routes = this.#prepared.routes;
    return routes === undefined
      ? this.#selectDefault()
      : this.#selector.select(routes, head, requestId, this);
  }

  addLines(_head: HttpRequest, _lines: HeaderLine[]): void {}

  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    if (endpoint !== undefined) return requestEdge(this.#context, endpoint, selected);
    const route = selected?.route ?? "";
    return unreachedEdge(this.#context, { service: this.#service, route, protocol: "http", port: this.port });
  }

  #selectDefault(): HttpSelection {
    const key = this.#prepared.outbound.defaultCluster;
    const cluster = this.#context.upstreams.cluster(key);
    if (cluster === undefined) {
      return { reason: "no_endpoint", detail: `cluster ${key} is not known here`, route: "" };
    }
    if (this.#default?.cluster !== cluster) this.#default = plainDestination(cluster);
    return this.#default ?? plainDestination(cluster);
  }

  #touch(): void {
    const nowMs = this.#context.coarseNowMs;
    if (nowMs === this.#touchedMs) return;
    this.#touchedMs = nowMs;
    this.#context.agent.touch("Outbound", this.#key);
  }
}

/** A workload dialled by its own address: no routes, but the same hop and the same signals. */
export class DirectHttp implements HttpService {
  readonly direction = "outbound";
  readonly tellsUnprocessed = false;
  readonly trustsTry = true;
  readonly scheme = "http";
  readonly servesConnect = true;
  readonly takesGrpcWeb = false;
  readonly sourceIdentity: string;
  readonly #context: ServeContext;
  readonly #destination: HttpDestination;

  constructor(context: ServeContext, cluster: UpstreamCluster) {
    this.sourceIdentity = context.identity;
    this.#context = context;
    this.#destination = plainDestination(cluster);
  }

  select(): HttpDestination {
    return this.#destination;
  }

  addLines(_head: HttpRequest, _lines: HeaderLine[]): void {}

  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    if (endpoint !== undefined) return requestEdge(this.#context, endpoint, selected);
    const { port } = this.#destination.cluster;
    return unreachedEdge(this.#context, { service: "", route: "", protocol: "http", port });
  }
}

export function plainDestination(cluster: UpstreamCluster): HttpDestination {
  return {
    cluster,
    route: "",
    requestEdits: undefined,
    responseEdits: undefined,
    requests: cluster.requests,
    faults: cluster.faults,
    session: prepareSession(cluster.session),
    counted: undefined,
    countedAt: undefined,
  };
}
