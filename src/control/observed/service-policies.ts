/** Which policies are about a service: aimed at it, at its namespace, at the mesh, or at one of its routes. */
import type { KindName, ServiceSummary, ServiceViewDocument } from "../../api/index.ts";
import type { Hit } from "../../observe/index.ts";
import type { ObservedParts } from "./observed-parts.ts";

const policyKinds = [
  "TrafficPolicy",
  "FaultPolicy",
  "BackendTLSPolicy",
  "AuthenticationPolicy",
  "AuthorizationPolicy",
  "RateLimitPolicy",
] as const satisfies KindName[];

type Policy = ServiceViewDocument["policies"][number];

export interface PolicyFacts {
  readonly kind: (typeof policyKinds)[number];
  readonly namespace: string;
  readonly name: string;
  readonly createdMs: number;
  /** Empty: it picks workloads by their labels. */
  readonly targets: readonly { readonly kind: string; readonly name: string }[];
  readonly isAccepted: boolean;
  readonly message: string;
}

interface About extends Pick<ServiceSummary, "namespace" | "name" | "kind"> {
  readonly routes: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
}

export function policiesOf(store: ObservedParts["store"], about: About, hits: readonly Hit[]): Policy[] {
  return allPolicies(store).flatMap((policy) => {
    const target = policy.targets.find((each) => isAbout(policy, each, about));
    if (target === undefined && (policy.targets.length > 0 || policy.namespace !== about.namespace))
      return [];
    const { kind, namespace, name, isAccepted: accepted, message } = policy;
    return {
      ...{ kind, namespace, name, accepted, message },
      target: target === undefined ? "" : `${target.kind} ${target.name}`,
      hits: hitsOf(policy, hits),
    };
  });
}

export function hitsOf({ kind, namespace, name }: PolicyFacts, hits: readonly Hit[]): number {
  const text = `${kind} ${namespace}/${name}`;
  return hits.reduce((sum, hit) => sum + (hit.kind === "policy" && hit.name === text ? hit.count : 0), 0);
}

/** In the order of their names. */
export function allPolicies(store: ObservedParts["store"]): PolicyFacts[] {
  return policyKinds
    .flatMap((kind) =>
      store.list({ kind }).items.map(({ metadata, spec, status }): PolicyFacts => {
        const conditions = (status?.ancestors ?? []).flatMap((ancestor) => ancestor.conditions);
        const refused = conditions.find(
          ({ type, status: holds }) => type === "Accepted" && holds === "False",
        );
        return {
          ...{ kind, namespace: metadata.namespace ?? "", name: metadata.name ?? "" },
          createdMs: Date.parse(metadata.creationTimestamp ?? "") || 0,
          targets: ("targetRefs" in spec ? spec.targetRefs : undefined) ?? [],
          isAccepted: refused === undefined,
          message: refused?.message ?? "",
        };
      }),
    )
    .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

function isAbout(
  policy: PolicyFacts,
  target: { readonly kind: string; readonly name: string },
  { namespace, name, kind, routes }: About,
): boolean {
  if (target.kind === "MeshConfig") return true;
  if (policy.namespace !== namespace && target.kind !== "HTTPRoute" && target.kind !== "GRPCRoute")
    return false;
  if (target.kind === "Namespace") return target.name === namespace;
  if (target.kind === kind) return target.name === name;
  return routes.some((route) => {
    return route.kind === target.kind && route.namespace === policy.namespace && route.name === target.name;
  });
}
