/** Routes that apply together, flattened into one list of entries in the order in which they are tried. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpEntrySchema, HttpRoutingSchema } from "../model/index.ts";
import { compareMatches, compareRoutes, type MatchContent } from "./precedence.ts";
import { compareText } from "./resource.ts";
import type { CompiledRoute, RuleContent } from "./compiled-route.ts";

export type RoutingContent = MessageInitShape<typeof HttpRoutingSchema>;

export function buildRouting(routes: readonly CompiledRoute[]): RoutingContent {
  const rules: RuleContent[] = [];
  const entries: { match: MatchContent; rule: number }[] = [];
  for (const route of routes.toSorted(compareRoutes)) {
    const first = rules.length;
    rules.push(...route.rules);
    for (const { match, rule } of route.matches) entries.push({ match, rule: first + rule });
  }
  // Stable, so that of equal matches the older route's, and within a route the first, stays ahead.
  entries.sort((a, b) => compareMatches(a.match, b.match));
  const content: MessageInitShape<typeof HttpEntrySchema>[] = entries;
  return { entries: content, rules };
}

/** Clusters that the routes may choose, sorted. */
export function clustersOf(routes: readonly CompiledRoute[], ...others: string[]): string[] {
  const clusters = new Set(others);
  for (const route of routes) {
    for (const rule of route.rules) {
      for (const backend of rule.backends ?? []) {
        if (backend.cluster !== undefined && backend.cluster !== "") clusters.add(backend.cluster);
      }
    }
  }
  return [...clusters].toSorted(compareText);
}
