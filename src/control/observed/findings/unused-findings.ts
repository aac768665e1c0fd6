/** Routes and policies that nobody used in the window although what they are about had traffic. */
import { foldBy, type Hit, sumSeries, withoutDoubles } from "../../../observe/index.ts";
import type { ObservedParts } from "../observed-parts.ts";
import { allPolicies, hitsOf, type PolicyFacts } from "../service-policies.ts";
import { allRoutes, type RouteFacts } from "../service-routes.ts";
import { serviceOf } from "../service-summaries.ts";
import { type Finding, finding } from "./finding.ts";

/** Less says nothing of a route that is used now and then. */
const minWindowMs = 600_000;
/** Of the kinds of policies only these count whatever they match. */
const countedKinds: ReadonlySet<string> = new Set(["AuthorizationPolicy"]);

/** `hits`: of the whole window. */
export function unusedFindings(parts: ObservedParts, hits: readonly Hit[]): Finding[] {
  const { aggregator, store, nowMs } = parts;
  const span = aggregator.services.span(aggregator.services.longestMs);
  if (span.coveredMs < minWindowMs) return [];
  const sinceMs = nowMs() - span.coveredMs;
  const minutes = Math.round(span.coveredMs / 60_000);
  const sums = withoutDoubles(sumSeries(aggregator.services, span));
  const byService = foldBy(sums, serviceOf);
  const byRoute = foldBy(sums, ({ route }) => route);
  const trafficOf = (path: string): number => byService.get(path)?.count ?? 0;
  const routes = allRoutes(store).filter(({ createdMs }) => createdMs <= sinceMs);
  const policies = allPolicies(store).filter(
    ({ createdMs, kind }) => createdMs <= sinceMs && countedKinds.has(kind),
  );
  return [
    ...routes.flatMap((route) => {
      const path = `${route.namespace}/${route.name}`;
      if ((byRoute.get(path)?.count ?? 0) > 0 || ruleHitsOf(route, hits) > 0) return [];
      const busiest = mostTraffic([...route.parents, ...route.gateways, ...route.backends], trafficOf);
      if (busiest === undefined) return [];
      const message = `${route.kind} ${path} took no request in ${minutes} minutes, while ${busiest.path} had ${busiest.count}`;
      return [finding("unused-route", { level: "note", message, about: { kind: route.kind, path } })];
    }),
    ...policies.flatMap((policy) => {
      if (hitsOf(policy, hits) > 0) return [];
      const path = `${policy.namespace}/${policy.name}`;
      const busiest = mostTraffic(targetsOf(policy, [...byService.keys()]), trafficOf);
      if (busiest === undefined) return [];
      const message = `${policy.kind} ${path} matched nothing in ${minutes} minutes, while ${busiest.path} had ${busiest.count} requests`;
      return [finding("unused-policy", { level: "note", message, about: { kind: policy.kind, path } })];
    }),
  ];
}

function ruleHitsOf({ kind, namespace, name }: RouteFacts, hits: readonly Hit[]): number {
  const text = `${kind} ${namespace}/${name}`;
  return hits.reduce((sum, hit) => sum + (hit.kind === "rule" && hit.name === text ? hit.count : 0), 0);
}

function mostTraffic(
  paths: readonly string[],
  trafficOf: (path: string) => number,
): { path: string; count: number } | undefined {
  const counts = paths
    .map((path) => ({ path, count: trafficOf(path) }))
    .toSorted((a, b) => b.count - a.count);
  const [first] = counts;
  return first === undefined || first.count === 0 ? undefined : first;
}

/** Services with traffic that the policy is aimed at. */
function targetsOf({ namespace, targets }: PolicyFacts, services: readonly string[]): string[] {
  const ofNamespace = services.filter((path) => path.startsWith(`${namespace}/`));
  if (targets.length === 0) return ofNamespace;
  return targets.flatMap(({ kind, name }) => {
    if (kind === "MeshConfig") return [...services];
    if (kind === "Namespace") return ofNamespace;
    return kind === "Service" || kind === "Gateway" ? [`${namespace}/${name}`] : [];
  });
}
