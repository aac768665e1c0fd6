/** The parts of routes that compile reads, by the names that it uses for them. */
import type { Stored, StoredOfKind } from "../api/index.ts";

export type HttpRouteInput = StoredOfKind<"HTTPRoute">;
export type GrpcRouteInput = StoredOfKind<"GRPCRoute">;
export type ConnectionRouteInput =
  | StoredOfKind<"TLSRoute">
  | StoredOfKind<"TCPRoute">
  | StoredOfKind<"UDPRoute">;
/** Routes whose rules are about requests. */
export type RequestRouteInput = HttpRouteInput | GrpcRouteInput;
export type RouteInput = RequestRouteInput | ConnectionRouteInput;
export type RouteKind = RouteInput["kind"];

const routeKinds: ReadonlySet<string> = new Set<RouteKind>([
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
]);

export function isRouteKind(kind: string): kind is RouteKind {
  return routeKinds.has(kind);
}

export function isRoute(object: Stored): object is RouteInput {
  return isRouteKind(object.kind);
}

export type ParentInput = NonNullable<RouteInput["spec"]["parentRefs"]>[number];
export type RuleInput = HttpRouteInput["spec"]["rules"][number];
export type MatchInput = RuleInput["matches"][number];
export type ValueMatchInput = NonNullable<MatchInput["headers"]>[number];
export type FilterInput = NonNullable<RuleInput["filters"]>[number];
export type HeaderModifierInput = NonNullable<FilterInput["requestHeaderModifier"]>;
export type HttpBackendInput = NonNullable<RuleInput["backendRefs"]>[number];
export type BackendInput = ConnectionRouteInput["spec"]["rules"][number]["backendRefs"][number];
export type GrpcRuleInput = NonNullable<GrpcRouteInput["spec"]["rules"]>[number];
export type GrpcMatchInput = NonNullable<GrpcRuleInput["matches"]>[number];
