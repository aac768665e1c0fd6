/** Which routes are about a service, attached to it or sending to it, and what their rules took. */
import type { KindName, ServiceViewDocument } from "../../api/index.ts";
import type { Hit } from "../../observe/index.ts";
import type { ObservedParts } from "./observed-parts.ts";

const routeKinds = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"] as const satisfies KindName[];

interface Reference {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface RouteFacts {
  readonly kind: (typeof routeKinds)[number];
  readonly namespace: string;
  readonly name: string;
  readonly createdMs: number;
  /** Names of rules, or their places. */
  readonly rules: readonly string[];
  /** "namespace/name" of services that it is attached to. */
  readonly parents: readonly string[];
  readonly gateways: readonly string[];
  readonly backends: readonly string[];
}

type Route = ServiceViewDocument["routes"][number];

const maxRules = 500;

export function routesOf(store: ObservedParts["store"], service: string, hits: readonly Hit[]): Route[] {
  const byRoute = Map.groupBy(
    hits.filter(({ kind }) => kind === "rule"),
    ({ name }) => name,
  );
  return allRoutes(store)
    .filter(({ parents, backends }) => parents.includes(service) || backends.includes(service))
    .map(({ kind, namespace, name, rules }) => {
      const taken = byRoute.get(`${kind} ${namespace}/${name}`) ?? [];
      const counted = new Map(rules.map((rule) => [rule, 0]));
      for (const { part, count } of taken) counted.set(part, (counted.get(part) ?? 0) + count);
      return {
        ...{ kind, namespace, name },
        rules: [...counted].slice(0, maxRules).map(([rule, count]) => ({ name: rule, hits: count })),
        hits: taken.reduce((sum, { count }) => sum + count, 0),
      };
    });
}

/** In the order of their names. */
export function allRoutes(store: ObservedParts["store"]): RouteFacts[] {
  return routeKinds
    .flatMap((kind) =>
      store.list({ kind }).items.map(({ metadata, spec }): RouteFacts => {
        const namespace = metadata.namespace ?? "";
        const rules: readonly RuleFields[] = spec.rules ?? [];
        const parents: readonly Reference[] = spec.parentRefs ?? [];
        return {
          ...{ kind, namespace, name: metadata.name ?? "" },
          createdMs: Date.parse(metadata.creationTimestamp ?? "") || 0,
          rules: rules.map(({ name }, index) => name ?? String(index)),
          parents: named(parents, ["Service", "ExternalService"], namespace),
          gateways: named(parents, ["Gateway", undefined], namespace),
          backends: named(
            rules.flatMap(({ backendRefs }) => backendRefs ?? []),
            ["Service", "ExternalService", undefined],
            namespace,
          ),
        };
      }),
    )
    .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

interface RuleFields {
  readonly name?: string | undefined;
  readonly backendRefs?: readonly Reference[] | undefined;
}

function named(
  references: readonly Reference[],
  kinds: readonly (string | undefined)[],
  namespace: string,
): string[] {
  return references
    .filter(({ kind }) => kinds.includes(kind))
    .map((reference) => `${reference.namespace ?? namespace}/${reference.name}`);
}
