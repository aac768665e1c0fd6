/** The backends of a rule with their endpoints, and which endpoints a balancer may choose. */
import type { BackendView, EndpointExplanation } from "../api/index.ts";
import { maxToldEndpoints } from "../api/index.ts";
import {
  groupByLocality,
  minFitOf,
  panicOf,
  type Place,
  shareBetween,
  splitByHealth,
} from "../decide/index.ts";
import { type Backend, type Cluster, type Endpoint, Health } from "../model/index.ts";
import type { Scene } from "./scene.ts";

/** Those of a cluster that may get the request, all of them fit as far as is known. */
export function possibleEndpoints(
  endpoints: readonly Endpoint[],
  cluster: Cluster,
  own: Place,
): readonly Endpoint[] {
  const members = endpoints.map((endpoint) => ({ endpoint }));
  const { usable, unhealthy } = splitByHealth(members);
  const absent = groupByLocality(unhealthy, cluster.locality, own);
  const groups = groupByLocality(usable, cluster.locality, own);
  const states = groups.map(({ name, level, weight, members: { length } }) => ({
    level,
    weight,
    usable: length,
    fit: length,
    total: length + (absent.find((group) => group.name === name)?.members.length ?? 0),
  }));
  const { shares } = shareBetween(states, minFitOf(cluster.locality), panicOf(cluster.balancing));
  return groups.flatMap((group, index) =>
    (shares[index] ?? 0) > 0 ? group.members.map(({ endpoint }) => endpoint) : [],
  );
}

const healths: Record<Health, EndpointExplanation["health"]> = {
  [Health.UNSPECIFIED]: "healthy",
  [Health.HEALTHY]: "healthy",
  [Health.UNHEALTHY]: "unhealthy",
  [Health.DRAINING]: "draining",
};

export function explainEndpoint(endpoint: Endpoint, isPossible: boolean): EndpointExplanation {
  const { workload, address, port, identity, health, weight, priority, region, zone } = endpoint;
  return {
    workload,
    address: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    identity,
    health: healths[health],
    weight,
    priority,
    region,
    zone,
    isPossible,
  };
}

/** `chosen`: place among `backends`; undefined: none is, or only the moment can tell. */
export function explainBackends(
  scene: Scene,
  backends: readonly Backend[],
  chosen: { readonly index: number; readonly possible: readonly Endpoint[] } | undefined,
): BackendView[] {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return backends.map((backend, index) => {
    const { cluster, weight, unresolved, source } = backend;
    const isChosen = index === chosen?.index;
    const ref = scene.source(source);
    return {
      cluster,
      ...(ref === undefined ? {} : { source: ref }),
      ...(unresolved === "" ? {} : { unresolved }),
      weight,
      share: total === 0 ? 0 : weight / total,
      chosen: isChosen,
      ...toldEndpoints(scene, cluster, isChosen ? (chosen?.possible ?? []) : []),
    };
  });
}

export function toldEndpoints(
  scene: Scene,
  cluster: string,
  possible: readonly Endpoint[],
): Pick<BackendView, "endpoints" | "endpointsOmitted"> {
  const all = cluster === "" ? [] : scene.mesh.endpoints(cluster);
  const told = all.slice(0, maxToldEndpoints);
  return {
    endpoints: told.map((endpoint) => explainEndpoint(endpoint, possible.includes(endpoint))),
    endpointsOmitted: all.length - told.length,
  };
}
