/** Random routes from small alphabets, so that several want most requests, ties are common and references often lead nowhere. */
import { pick, type Random } from "../authorization/random.ts";
import type {
  BackendRef,
  Cors,
  Filter,
  HeaderModifier,
  NamedValue,
  ParentRef,
  Redirect,
  Rewrite,
  Route,
  RouteMatch,
  RouteRule,
} from "./applied.ts";

export const segments = ["a", "b", "ab", "c"] as const;
export const headerNames = ["x-a", "x-b", "x-c"] as const;
export const values = ["1", "2", "a b"] as const;
export const methods = ["GET", "POST", "PUT"] as const;
export const grpcServices = ["shop.Cart", "shop.Orders"] as const;
export const grpcMethods = ["Add", "List"] as const;
export const hosts = ["a.shop.test", "b.shop.test", "admin.shop.test", "other.test"] as const;
export const origins = [
  "https://a.shop.test",
  "https://x.y.shop.test",
  "http://other.test",
  "https://shop.test",
] as const;
export const queryNames = ["q", "version"] as const;
const routeNames = ["r1", "r2", "r3", "r4"] as const;

const routeHostnames = [...hosts, "*.shop.test", "*.test"] as const;
/** Syntax that RE2 and JavaScript read alike. */
const pathPatterns = ["/a.*", "/[ab]/b", ".*", "/(a|ab)(/.*)?"] as const;
const valuePatterns = ["[12]", ".*", "a.b", "1|2"] as const;

export function chance(random: Random, share: number): boolean {
  return random() < share;
}

/** Undefined: there is none. */
export function member<T>(random: Random, list: readonly T[]): T | undefined {
  return list[Math.floor(random() * list.length)];
}

function upTo(random: Random, count: number): number {
  return Math.floor(random() * (count + 1));
}

export function several<T>(random: Random, least: number, most: number, make: () => T): T[] {
  return Array.from({ length: least + upTo(random, most - least) }, make);
}

export function randomRoutes(random: Random): Route[] {
  const names = routeNames.filter(() => chance(random, 0.6));
  return names.map((name) => randomRoute(random, name));
}

function randomRoute(random: Random, name: string): Route {
  const kind = chance(random, 0.3) ? "GRPCRoute" : "HTTPRoute";
  const namespace = pick(random, ["shop", "shop", "data"]);
  const rules = several(random, 1, 3, () => randomRule(random, kind));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: {
      ...{ name, namespace },
      creationTimestamp: pick(random, ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
    },
    spec: {
      parentRefs: distinct(several(random, 1, 2, () => randomParent(random, kind))),
      ...(chance(random, 0.4)
        ? { hostnames: [...new Set(several(random, 1, 2, () => pick(random, routeHostnames)))] }
        : {}),
      rules: rules.map((rule, index) => (chance(random, 0.5) ? { name: `n${index}`, ...rule } : rule)),
    },
  };
}

/** Gateway API: two references to one parent are told apart by their sections or not made. */
function distinct(parents: readonly ParentRef[]): ParentRef[] {
  return parents.filter(({ name }, index) => parents.findIndex((each) => each.name === name) === index);
}

function randomParent(random: Random, kind: Route["kind"]): ParentRef {
  if (chance(random, 0.4)) {
    const section = chance(random, 0.4) ? { sectionName: pick(random, ["any", "shop", "admin"]) } : {};
    return { name: "door", namespace: "shop", ...section };
  }
  const parent: ParentRef = {
    ...{ group: "", kind: "Service" },
    ...pick(random, [
      { name: "front", namespace: "shop" },
      { name: "front", namespace: "shop" },
      { name: "one", namespace: "shop" },
      { name: "three", namespace: "data" },
    ]),
  };
  const place = random();
  if (place < 0.2) return { ...parent, port: kind === "GRPCRoute" ? 90 : 80 };
  return place < 0.3 ? { ...parent, sectionName: kind === "GRPCRoute" ? "grpc" : "http" } : parent;
}

function randomRule(random: Random, kind: Route["kind"]): RouteRule {
  const matches = chance(random, 0.1)
    ? undefined
    : several(random, 1, 2, () => (kind === "GRPCRoute" ? randomCallMatch(random) : randomMatch(random)));
  const [only] = matches ?? [];
  const isPrefix =
    kind === "HTTPRoute" && matches?.length === 1 && (only?.path?.type ?? "PathPrefix") === "PathPrefix";
  const own = matches === undefined ? {} : { matches };
  if (kind === "HTTPRoute" && chance(random, 0.12)) {
    return {
      ...own,
      filters: [{ type: "RequestRedirect", requestRedirect: randomRedirect(random, isPrefix) }],
    };
  }
  const crossOrigin: Filter[] =
    kind === "HTTPRoute" && chance(random, 0.25) ? [{ type: "CORS", cors: randomCors(random) }] : [];
  const filters = [...randomFilters(random, kind, isPrefix), ...crossOrigin];
  return {
    ...own,
    ...(filters.length === 0 ? {} : { filters }),
    ...(chance(random, 0.04)
      ? {}
      : { backendRefs: several(random, 1, 3, () => randomBackend(random, kind)) }),
    ...(kind === "HTTPRoute" ? randomCarriage(random) : {}),
  };
}

function randomCarriage(random: Random): Pick<RouteRule, "timeouts" | "retry"> {
  return {
    ...(chance(random, 0.2)
      ? {
          timeouts: pick(random, [
            { request: "20s" },
            { request: "30s", backendRequest: "15s" },
            { backendRequest: "12s" },
            { request: "0s" },
          ]),
        }
      : {}),
    ...(chance(random, 0.2)
      ? {
          retry: pick<NonNullable<RouteRule["retry"]>>(random, [
            { attempts: 3 },
            { codes: [500, 502] },
            { attempts: 1, codes: [503] },
          ]),
        }
      : {}),
  };
}

function randomMatch(random: Random): RouteMatch {
  return {
    ...(chance(random, 0.1) ? {} : { path: randomPath(random) }),
    ...(chance(random, 0.3) ? { method: pick(random, methods) } : {}),
    ...(chance(random, 0.4) ? { headers: randomValues(random, headerNames) } : {}),
    ...(chance(random, 0.3) ? { queryParams: randomValues(random, queryNames) } : {}),
  };
}

function randomCallMatch(random: Random): RouteMatch {
  const isPattern = chance(random, 0.2);
  const service = isPattern ? "shop\\..*" : pick(random, grpcServices);
  const method = isPattern ? "Add|List" : pick(random, grpcMethods);
  const type = isPattern ? { type: "RegularExpression" as const } : {};
  const called = pick<{ service?: string; method?: string }>(random, [
    { service },
    { service, method },
    { method },
  ]);
  return {
    ...(chance(random, 0.15) ? {} : { method: { ...type, ...called } }),
    ...(chance(random, 0.4) ? { headers: randomValues(random, headerNames) } : {}),
  };
}

function randomPath(random: Random): NonNullable<RouteMatch["path"]> {
  const kind = random();
  if (kind < 0.15) return { type: "RegularExpression", value: pick(random, pathPatterns) };
  const path = several(random, 0, 3, () => `/${pick(random, segments)}`).join("") || "/";
  if (kind < 0.35) return { type: "Exact", value: path };
  return { type: "PathPrefix", value: chance(random, 0.2) && path !== "/" ? `${path}/` : path };
}

function randomValues(random: Random, names: readonly string[]): NamedValue[] {
  return names
    .filter(() => chance(random, 0.4))
    .map((name) => {
      const isPattern = chance(random, 0.3);
      return {
        name: chance(random, 0.1) && names === headerNames ? name.toUpperCase() : name,
        type: isPattern ? "RegularExpression" : "Exact",
        value: isPattern ? pick(random, valuePatterns) : pick(random, values),
      };
    });
}

function randomBackend(random: Random, kind: Route["kind"]): BackendRef {
  const isCalls = chance(random, kind === "GRPCRoute" ? 0.95 : 0.03);
  const to = pick(random, [
    { name: "one", namespace: "shop" },
    { name: "two", namespace: "shop" },
    { name: "three", namespace: "data" },
    { name: "four", namespace: "data" },
    { name: "one" },
    { name: "three" },
    chance(random, 0.5) ? { name: "none", namespace: "shop" } : { name: "gone" },
  ]);
  const filters = chance(random, 0.15) ? randomFilters(random, kind, false) : [];
  return {
    ...to,
    port: isCalls ? 90 : chance(random, 0.03) ? 81 : 80,
    ...(chance(random, 0.5) ? { weight: upTo(random, 4) } : {}),
    ...(filters.length === 0 ? {} : { filters }),
  };
}

function randomFilters(random: Random, kind: Route["kind"], isPrefix: boolean): Filter[] {
  return [
    ...(chance(random, 0.25)
      ? [{ type: "RequestHeaderModifier", requestHeaderModifier: randomModifier(random, "x-") }]
      : []),
    ...(chance(random, 0.2)
      ? [{ type: "ResponseHeaderModifier", responseHeaderModifier: randomModifier(random, "x-r") }]
      : []),
    ...(kind === "HTTPRoute" && chance(random, 0.2)
      ? [{ type: "URLRewrite", urlRewrite: randomRewrite(random, isPrefix) }]
      : []),
    ...(chance(random, 0.4) ? several(random, 1, 2, () => randomMirror(random, kind)) : []),
  ];
}

function randomCors(random: Random): Cors {
  const credentials = chance(random, 0.3) ? { allowCredentials: chance(random, 0.7) } : {};
  return {
    allowOrigins: pick(random, [["*"], [origins[0]], ["https://*.shop.test", origins[2]]]),
    ...credentials,
    ...(chance(random, 0.7) ? { allowMethods: pick(random, [["*"], ["GET", "PUT"], ["DELETE"]]) } : {}),
    ...(chance(random, 0.3) ? { allowHeaders: pick(random, [["*"], ["x-a"]]) } : {}),
    ...(chance(random, 0.3) ? { exposeHeaders: ["x-ra"] } : {}),
    ...(chance(random, 0.3) ? { maxAge: 60 } : {}),
  };
}

function randomMirror(random: Random, kind: Route["kind"]): Filter {
  const backendRef: BackendRef = {
    ...pick<Pick<BackendRef, "name" | "namespace">>(random, [
      { name: "copy", namespace: "shop" },
      { name: "copy", namespace: "data" },
      { name: "copy" },
      { name: "gone" },
    ]),
    port: kind === "GRPCRoute" ? 90 : chance(random, 0.05) ? 81 : 80,
  };
  const percent = chance(random, 0.5) ? { percent: pick(random, [0, 30, 100]) } : {};
  return { type: "RequestMirror", requestMirror: { backendRef, ...percent } };
}

/** Each name once: what comes first within one filter the texts leave open. */
function randomModifier(random: Random, prefix: string): HeaderModifier {
  const set: NamedValue[] = [];
  const add: NamedValue[] = [];
  const remove: string[] = [];
  for (const letter of ["a", "b", "c", "d"]) {
    const name = `${prefix}${letter}`;
    const what = random();
    if (what < 0.2) set.push({ name, value: pick(random, ["new", "1"]) });
    else if (what < 0.4) add.push({ name, value: "more" });
    else if (what < 0.5) remove.push(name);
  }
  if (set.length + add.length + remove.length === 0) set.push({ name: `${prefix}d`, value: "new" });
  return {
    ...(set.length > 0 && { set }),
    ...(add.length > 0 && { add }),
    ...(remove.length > 0 && { remove }),
  };
}

function newPath(random: Random, isPrefix: boolean) {
  return isPrefix && chance(random, 0.7)
    ? ({ type: "ReplacePrefixMatch", replacePrefixMatch: pick(random, ["/", "/new", "/new/"]) } as const)
    : ({ type: "ReplaceFullPath", replaceFullPath: pick(random, ["/", "/whole/path"]) } as const);
}

function randomRewrite(random: Random, isPrefix: boolean): Rewrite {
  const what = random();
  return {
    ...(what < 0.6 ? { hostname: "new.test" } : {}),
    ...(what > 0.4 ? { path: newPath(random, isPrefix) } : {}),
  };
}

function randomRedirect(random: Random, isPrefix: boolean): Redirect {
  return {
    ...(chance(random, 0.4) ? { scheme: pick(random, ["http", "https"]) } : {}),
    ...(chance(random, 0.5) ? { hostname: "elsewhere.test" } : {}),
    ...(chance(random, 0.3) ? { port: pick(random, [80, 443, 8_443]) } : {}),
    ...(chance(random, 0.4) ? { path: newPath(random, isPrefix) } : {}),
    ...(chance(random, 0.6) ? { statusCode: pick(random, [301, 302, 303, 307, 308]) } : {}),
  };
}
