/** Which golden-signal series an outcome belongs to, with the handle kept where the next request finds it. */
import type { EdgeLabels, EdgeSeries, SeriesRegistry } from "../telemetry/index.ts";
import type { Place } from "../../decide/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import type { HttpSelection } from "./http-service.ts";

/** One edge that is asked for again and again, as after eviction. */
export class EdgeHandle {
  readonly #registry: SeriesRegistry;
  readonly #labels: EdgeLabels;
  #edge: EdgeSeries | undefined;

  constructor(registry: SeriesRegistry, labels: EdgeLabels) {
    this.#registry = registry;
    this.#labels = labels;
  }

  get(): EdgeSeries {
    if (this.#edge === undefined || this.#edge.isEvicted) this.#edge = this.#registry.edge(this.#labels);
    return this.#edge;
  }
}

/** From the local workload to an endpoint. Handles are kept at the endpoint, so they go when it goes. */
export function outboundEdge(
  context: ServeContext,
  endpoint: UpstreamEndpoint,
  options: { route: string; protocol: "http" | "tcp" },
): EdgeSeries {
  const key = options.protocol === "http" ? options.route : `${options.protocol} ${options.route}`;
  const known = endpoint.edges.get(key);
  if (known !== undefined && !known.isEvicted) return known;
  const edge = context.series.edge({
    direction: "outbound",
    sourceWorkload: context.workload.key,
    sourceIdentity: context.identity,
    sourceVersion: context.workload.version,
    sourceLocality: localityText(context.upstreams.place),
    destinationWorkload: endpoint.workload,
    destinationIdentity: endpoint.target.identity,
    destinationService: endpoint.target.service,
    destinationPort: endpoint.servicePort,
    destinationVersion: endpoint.endpoint.version,
    destinationLocality: localityText(endpoint.endpoint),
    route: options.route,
    protocol: options.protocol,
    mtls: endpoint.isTunnelled,
  });
  endpoint.edges.set(key, edge);
  return edge;
}

/** The same for a request. Its destination keeps the newest handle: at an endpoint there are as many as it has routes. */
export function requestEdge(
  context: ServeContext,
  endpoint: UpstreamEndpoint,
  selected: HttpSelection | undefined,
): EdgeSeries {
  const destination = selected !== undefined && "cluster" in selected ? selected : undefined;
  const known = destination?.countedAt === endpoint ? destination.counted : undefined;
  if (known !== undefined && !known.isEvicted) return known;
  const edge = outboundEdge(context, endpoint, { route: selected?.route ?? "", protocol: "http" });
  if (destination !== undefined) {
    destination.counted = edge;
    destination.countedAt = endpoint;
  }
  return edge;
}

/** From the local workload to a service of which no endpoint was reached. */
export function unreachedEdge(
  context: ServeContext,
  options: { service: string; route: string; protocol: "http" | "tcp"; port: number },
): EdgeSeries {
  return context.series.edge({
    direction: "outbound",
    sourceWorkload: context.workload.key,
    sourceIdentity: context.identity,
    sourceVersion: context.workload.version,
    sourceLocality: localityText(context.upstreams.place),
    destinationWorkload: "",
    destinationIdentity: "",
    destinationService: options.service,
    destinationPort: options.port,
    destinationVersion: "",
    destinationLocality: "",
    route: options.route,
    protocol: options.protocol,
    mtls: false,
  });
}

/** "region/zone", or what is known of it. */
export function localityText({ region, zone }: Place): string {
  return region === "" || zone === "" ? region || zone : `${region}/${zone}`;
}
