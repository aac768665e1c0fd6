/**
 * Routes of different kinds at one place, of which only one kind is taken. At a listener HTTPRoute and GRPCRoute exclude
 * one another where they share a hostname: the older route stays. At a port of a Service the most specific kind stays,
 * among the routes of one namespace, since a consumer's routes and the producer's never meet.
 */
import type { Attachment, CompiledRoute } from "./compiled-route.ts";
import { intersectHostnames } from "./hostname.ts";
import { compareRoutes } from "./precedence.ts";
import type { RouteKind } from "./route-input.ts";

/** The most specific first (GEP-1426). */
const kindsBySpecificity: readonly RouteKind[] = ["GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"];

/** Kinds whose routes can take a place at the parent from one of `kind`. */
export function rivalKinds(parent: Attachment["kind"], kind: RouteKind): readonly RouteKind[] {
  if (parent === "Service") return kindsBySpecificity.slice(0, kindsBySpecificity.indexOf(kind));
  if (kind === "HTTPRoute") return ["GRPCRoute"];
  return kind === "GRPCRoute" ? ["HTTPRoute"] : [];
}

type GatewayAttachment = Extract<Attachment, { kind: "Gateway" }>;

interface Taken {
  readonly kind: RouteKind;
  readonly hostnames: readonly string[];
}

/** Names a route at a listener. */
export function placeKey(
  { kind, path }: Pick<CompiledRoute, "kind" | "path">,
  attachment: GatewayAttachment,
): string {
  return `${kind} ${path} ${attachment.parent} ${listenerKey(attachment)}`;
}

/** Names a listener among the Gateway's own and those of its ListenerSets. */
function listenerKey({ set = "", listener }: GatewayAttachment): string {
  return `${set} ${listener}`;
}

/** Places of routes at listeners of the Gateway, by `placeKey`, that are not taken. `routes`: all that attach to it. */
export function conflictsAtGateway(routes: readonly CompiledRoute[], gateway: string): ReadonlySet<string> {
  const lost = new Set<string>();
  const takenBy = new Map<string, Taken[]>();
  const ordered = routes
    .filter(({ kind }) => rivalKinds("Gateway", kind).length > 0)
    .toSorted((a, b) => compareRoutes(a, b) || kindOrder(a) - kindOrder(b));
  for (const route of ordered) {
    const { kind } = route;
    for (const attachment of route.attachments) {
      if (attachment.kind !== "Gateway" || attachment.parent !== gateway) continue;
      const { hostnames } = attachment;
      const listener = listenerKey(attachment);
      const taken = takenBy.get(listener) ?? [];
      if (taken.some((other) => other.kind !== kind && share(other.hostnames, hostnames))) {
        lost.add(placeKey(route, attachment));
      } else takenBy.set(listener, [...taken, { kind, hostnames }]);
    }
  }
  return lost;
}

function kindOrder({ kind }: CompiledRoute): number {
  return kindsBySpecificity.indexOf(kind);
}

function share(a: readonly string[], b: readonly string[]): boolean {
  return a.some((one) => b.some((other) => intersectHostnames(one, other) !== undefined));
}

/** Of routes of one namespace that attach to one port of a Service those that are taken. */
export function mostSpecific(routes: readonly CompiledRoute[]): readonly CompiledRoute[] {
  const kind = kindsBySpecificity.find((each) => routes.some((route) => route.kind === each));
  return routes.filter((route) => route.kind === kind);
}

export function attachesToPort(route: CompiledRoute, service: string, port: number): boolean {
  return route.attachments.some(
    (attachment) =>
      attachment.kind === "Service" &&
      attachment.parent === service &&
      (attachment.port === undefined || attachment.port === port),
  );
}
