/** All about one service: its endpoints with their figures, routes, policies, callers and callees. */
import { type ServiceSummary, serviceViewBounds, type ServiceViewDocument } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { type Ejection, Figures, topology } from "../../observe/index.ts";
import type { EndpointView } from "../../registry/index.ts";
import { endpointFigures } from "./endpoint-figures.ts";
import type { ObservedParts } from "./observed-parts.ts";
import { policiesOf } from "./service-policies.ts";
import { routesOf } from "./service-routes.ts";
import { serviceSummaries, summaryFigures } from "./service-summaries.ts";

const states = { live: "ready", draining: "draining", lost: "dead" } as const;

/** Throws `not_found`. */
export function serviceView(
  parts: ObservedParts,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  windowSeconds: number,
): ServiceViewDocument {
  const service = serviceSummaries(parts, windowSeconds).find(
    (each) => each.namespace === namespace && each.name === name,
  );
  if (service === undefined) {
    throw new WeftError("not_found", `service ${namespace}/${name} does not exist`, {
      hint: "see the services that there are with weft get services -A",
    });
  }
  const path = `${namespace}/${name}`;
  const { aggregator } = parts;
  const hits = aggregator.hits.list(aggregator.services.span(windowSeconds * 1_000));
  const routes = routesOf(parts.store, path, hits).slice(0, serviceViewBounds.maxObjects);
  const near = topology(aggregator, { windowSeconds, by: "service", focus: path }, parts.names()).edges;
  const { maxEdges, maxObjects } = serviceViewBounds;
  return {
    service,
    endpoints: endpointsOf(parts, service, windowSeconds),
    routes,
    policies: policiesOf(parts.store, { namespace, name, kind: service.kind, routes }, hits).slice(
      0,
      maxObjects,
    ),
    callers: near.filter(({ destination }) => destination === path).slice(0, maxEdges),
    callees: near.filter(({ source }) => source === path).slice(0, maxEdges),
  };
}

function endpointsOf(
  parts: ObservedParts,
  { namespace, name, ports }: ServiceSummary,
  windowSeconds: number,
): ServiceViewDocument["endpoints"] {
  const path = `${namespace}/${name}`;
  const { aggregator, registry, ejections } = parts;
  const span = aggregator.detail.span(windowSeconds * 1_000);
  const figures = endpointFigures(aggregator, span, path);
  const ejected = Map.groupBy(ejections.list(), ({ workload, address }) => workload || address);
  const endpoints = new Map<string, EndpointView>();
  for (const { port, protocol } of ports) {
    for (const endpoint of registry.endpoints(path, port, protocol === "UDP" ? "UDP" : "TCP")) {
      endpoints.set(`${endpoint.workload} ${endpoint.port}`, endpoint);
    }
  }
  return [...endpoints.values()].slice(0, serviceViewBounds.maxEndpoints).map((endpoint) => {
    const { workload, address, port, version, region, zone, health } = endpoint;
    const { mutualTlsShare: _share, ...rates } = summaryFigures(
      figures.get(workload) ?? new Figures(),
      span.coveredMs / 1_000,
    );
    return {
      ...{ workload, address, port, version, state: states[health] },
      locality: [region, zone].filter((each) => each !== "").join("/"),
      ejectedBy: ejectionsOf(ejected.get(workload) ?? ejected.get(address) ?? [], path),
      ...rates,
    };
  });
}

function ejectionsOf(
  ejections: readonly Ejection[],
  service: string,
): ServiceViewDocument["endpoints"][number]["ejectedBy"] {
  return ejections
    .filter(({ cluster }) => cluster === "" || cluster === service || cluster.startsWith(`${service}:`))
    .slice(0, serviceViewBounds.maxEjections)
    .map(({ proxy, reason, untilMs }) => ({ proxy, reason, untilMs }));
}
