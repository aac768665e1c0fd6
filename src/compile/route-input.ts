/** The parts of an HTTPRoute that compile reads, by the names that it uses for them. */
import type { StoredOfKind } from "../api/index.ts";

export type RouteInput = StoredOfKind<"HTTPRoute">;
export type ParentInput = NonNullable<RouteInput["spec"]["parentRefs"]>[number];
export type RuleInput = RouteInput["spec"]["rules"][number];
export type MatchInput = RuleInput["matches"][number];
export type ValueMatchInput = NonNullable<MatchInput["headers"]>[number];
export type FilterInput = NonNullable<RuleInput["filters"]>[number];
export type HeaderModifierInput = NonNullable<FilterInput["requestHeaderModifier"]>;
export type BackendInput = NonNullable<RuleInput["backendRefs"]>[number];
