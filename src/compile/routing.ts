/** Routes that apply together, flattened into one list of entries in the order in which they are tried. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectionRoutingSchema, HttpEntrySchema, HttpRoutingSchema } from "../model/index.ts";
import { compareMatches, compareRoutes, type RankedMatch } from "./precedence.ts";
import { compareText } from "./resource.ts";
import {
  clustersOfRules,
  type CompiledConnectionRoute,
  type CompiledHttpRoute,
  type CompiledRoute,
  type ConnectionRuleContent,
  type RuleContent,
} from "./compiled-route.ts";

export type RoutingContent = MessageInitShape<typeof HttpRoutingSchema>;

export function buildRouting(routes: readonly CompiledHttpRoute[]): RoutingContent {
  const rules: RuleContent[] = [];
  const ranked: RankedMatch[] = [];
  for (const route of routes.toSorted(compareRoutes)) {
    const first = rules.length;
    rules.push(...route.rules);
    for (const match of route.matches) ranked.push({ ...match, rule: first + match.rule });
  }
  // Stable, so that of equal matches the older route's, and within a route the first, stays ahead.
  ranked.sort(compareMatches);
  const entries = ranked.map(
    ({ match, rule }): MessageInitShape<typeof HttpEntrySchema> => ({ match, rule }),
  );
  return { entries, rules };
}

/** The older route first, so that it keeps a hostname that two claim; `hostnamesOf` gives those at one listener. */
export function buildConnectionRouting(
  routes: readonly CompiledConnectionRoute[],
  hostnamesOf: (route: CompiledConnectionRoute) => readonly string[],
): MessageInitShape<typeof ConnectionRoutingSchema> {
  const rules: ConnectionRuleContent[] = [];
  const entries: { hostnames: string[]; rule: number }[] = [];
  for (const route of routes.toSorted(compareRoutes)) {
    const names = hostnamesOf(route);
    if (names.length === 0) continue;
    const hostnames = names.includes("*") ? [] : [...names];
    for (const rule of route.rules) {
      entries.push({ hostnames, rule: rules.length });
      rules.push(rule);
    }
  }
  return { entries, rules };
}

/** Clusters that the routes may choose or mirror to, sorted. */
export function clustersOf(routes: readonly CompiledRoute[], ...others: string[]): string[] {
  const clusters = new Set(others);
  for (const route of routes) for (const cluster of clustersOfRules(route.rules)) clusters.add(cluster);
  return [...clusters].toSorted(compareText);
}
