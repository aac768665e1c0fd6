/** A random change of a configuration: objects that are written anew, edited by a little or deleted, and what stands around them. */
import { pick, type Random } from "../authorization/random.ts";
import {
  type Applied,
  type Gateway,
  isSameObject,
  type Route,
  type RouteRule,
  type Service,
} from "./applied.ts";
import { chance, member, several } from "./random-routes.ts";

export interface Change {
  readonly upserted: readonly Applied[];
  readonly removed: readonly Applied[];
}

/** `present`: all that there is, the world included. `fresh`: another configuration, whose objects may come into this one. */
export function randomChange(
  random: Random,
  present: readonly Applied[],
  own: readonly Applied[],
  fresh: readonly Applied[],
): Change {
  let change: Change = { upserted: [], removed: [] };
  for (const edit of several(random, 1, 3, () => randomEdit(random, present, own, fresh))) {
    if (edit === undefined) continue;
    const { object, isRemoved } = edit;
    if ([...change.upserted, ...change.removed].some((each) => isSameObject(each, object))) continue;
    change = isRemoved
      ? { ...change, removed: [...change.removed, object] }
      : { ...change, upserted: [...change.upserted, object] };
  }
  return change;
}

interface Edit {
  readonly object: Applied;
  readonly isRemoved: boolean;
}

function randomEdit(
  random: Random,
  present: readonly Applied[],
  own: readonly Applied[],
  fresh: readonly Applied[],
): Edit | undefined {
  const what = random();
  if (what < 0.35) return written(member(random, fresh));
  if (what < 0.55) {
    const some = own.filter(({ kind }) => kind !== "MeshConfig");
    const object = member(random, some);
    return object && { object, isRemoved: true };
  }
  if (what < 0.85) {
    const routes = own.filter(
      (each): each is Route => each.kind === "HTTPRoute" || each.kind === "GRPCRoute",
    );
    const route = member(random, routes);
    return written(route && editedRoute(random, route));
  }
  if (what < 0.95) {
    const services = present.filter((each): each is Service => each.kind === "Service");
    const service = member(random, services);
    if (service === undefined) return undefined;
    // Of the others somebody dials.
    if (service.metadata.name === "four" && chance(random, 0.5)) return { object: service, isRemoved: true };
    return written(editedService(service));
  }
  const gateway = present.find((each): each is Gateway => each.kind === "Gateway");
  return written(gateway && editedGateway(random, gateway));
}

function written(object: Applied | undefined): Edit | undefined {
  return object && { object, isRemoved: false };
}

function editedRoute(random: Random, route: Route): Route {
  const rules = route.spec.rules ?? [];
  const at = Math.floor(random() * rules.length);
  const edited = pick<() => readonly RouteRule[]>(random, [
    () => rules.toReversed(),
    () => (rules.length > 1 ? rules.filter((_, index) => index !== at) : rules),
    () => rules.map((rule, index) => (index === at ? withoutMatches(rule) : rule)),
    () => rules.map((rule, index) => (index === at ? otherWeights(random, rule) : rule)),
    () => rules.map((rule, index) => (index === at ? otherWeights(random, rule) : rule)),
  ])();
  return { ...route, spec: { ...route.spec, rules: edited } };
}

/** What rewrites or redirects by the prefix that was matched needs its match. */
function withoutMatches({ matches, ...rule }: RouteRule): RouteRule {
  const isBound = JSON.stringify(rule).includes("ReplacePrefixMatch");
  return isBound && matches !== undefined ? { ...rule, matches } : rule;
}

function otherWeights(random: Random, rule: RouteRule): RouteRule {
  const { backendRefs } = rule;
  if (backendRefs === undefined) return rule;
  return {
    ...rule,
    backendRefs: backendRefs.map((each) => ({ ...each, weight: Math.floor(random() * 4) })),
  };
}

/** Nobody is behind it any more. */
function editedService(service: Service): Service {
  return { ...service, spec: { ...service.spec, selector: { app: "nobody" } } };
}

function editedGateway(random: Random, gateway: Gateway): Gateway {
  const at = Math.floor(random() * gateway.spec.listeners.length);
  const listeners = gateway.spec.listeners.map((listener, index) =>
    index === at
      ? {
          ...listener,
          ...(listener.hostname === undefined ? {} : { hostname: pick(random, ["*.test", "a.shop.test"]) }),
        }
      : listener,
  );
  const isOpen = chance(random, 0.5);
  return {
    ...gateway,
    spec: {
      ...gateway.spec,
      listeners: isOpen
        ? listeners.map((each) => ({ ...each, allowedRoutes: { namespaces: { from: "All" } } }))
        : listeners,
    },
  };
}
