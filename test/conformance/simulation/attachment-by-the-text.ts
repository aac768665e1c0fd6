/** Where routes attach and which of them are in force for one request, by the texts of Gateway API, GEP-1426 and docs/reference. */
import {
  type Candidate,
  candidateByTheText,
  compareAge,
  isValue,
  type Match,
  type MatchedRequest,
} from "../matching/by-the-text.ts";
import {
  type Applied,
  type Gateway,
  headerOf,
  namespaceOf,
  type ParentRef,
  pathOf,
  type Question,
  type Route,
  type RouteMatch,
  type RouteRule,
  type Service,
} from "./applied.ts";

export interface Taken {
  readonly route: Route;
  readonly rule: RouteRule;
  /** Its place in the route. */
  readonly index: number;
  /** The prefix that its match asked for; undefined: it asked otherwise. */
  readonly prefix: string | undefined;
}

/** What stands behind the place that was dialled. */
export interface Place {
  /** Of the gateway; undefined in the mesh. */
  readonly listener: string | undefined;
  /** In force there. Empty under a Service: requests go to it. */
  readonly routes: readonly Route[];
}

export function placeByTheText(objects: readonly Applied[], question: Question): Place | undefined {
  return question.from.kind === "client"
    ? listenerByTheText(objects, question, question.from.gateway)
    : {
        listener: undefined,
        routes: underService(objects, question, question.from.workload.split("/")[0] ?? ""),
      };
}

/** A consumer's routes take the place of the producer's; GRPCRoutes that of HTTPRoutes (GEP-1426). */
function underService(
  objects: readonly Applied[],
  { service, port }: Question,
  clientNamespace: string,
): Route[] {
  const attached = routesOf(objects).filter((route) =>
    (route.spec.parentRefs ?? []).some((parent) => isServicePort(objects, route, parent, { service, port })),
  );
  const consumers = attached.filter((route) => namespaceOf(route) === clientNamespace);
  const producers = attached.filter((route) => namespaceOf(route) === service.split("/")[0]);
  const inForce = consumers.length > 0 ? consumers : producers;
  const calls = inForce.filter(({ kind }) => kind === "GRPCRoute");
  return calls.length > 0 ? calls : inForce;
}

function isServicePort(
  objects: readonly Applied[],
  route: Route,
  parent: ParentRef,
  dialled: { readonly service: string; readonly port: number },
): boolean {
  if (parent.kind !== "Service" || (parent.group ?? "gateway.networking.k8s.io") !== "") return false;
  if (`${parent.namespace ?? namespaceOf(route)}/${parent.name}` !== dialled.service) return false;
  const port = serviceOf(objects, dialled.service)?.spec.ports.find((each) => each.port === dialled.port);
  return (
    port !== undefined &&
    (parent.port === undefined || parent.port === port.port) &&
    (parent.sectionName === undefined || parent.sectionName === port.name)
  );
}

/** The listener with the most specific hostname has the request, then the routes with the most specific one in common. */
function listenerByTheText(
  objects: readonly Applied[],
  question: Question,
  gateway: string,
): Place | undefined {
  const host = hostOf(question.authority);
  const there = objects.find((each): each is Gateway => each.kind === "Gateway" && pathOf(each) === gateway);
  const listeners = (there?.spec.listeners ?? []).filter(({ port }) => port === question.port);
  const listener = listeners
    .filter((each) => covers(each.hostname ?? "*", host))
    .toSorted((a, b) => specificity(b.hostname ?? "*") - specificity(a.hostname ?? "*"))[0];
  if (there === undefined || listener === undefined) return undefined;
  const attached = routesOf(objects)
    .filter(
      (route) =>
        listener.allowedRoutes?.namespaces?.from === "All" || namespaceOf(route) === namespaceOf(there),
    )
    .filter((route) =>
      (route.spec.parentRefs ?? []).some(
        (parent) =>
          (parent.kind ?? "Gateway") === "Gateway" &&
          `${parent.namespace ?? namespaceOf(route)}/${parent.name}` === gateway &&
          (parent.sectionName === undefined || parent.sectionName === listener.name) &&
          (parent.port === undefined || parent.port === listener.port),
      ),
    )
    .map((route) => ({ route, hostnames: commonHostnames(listener.hostname, route.spec.hostnames) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  const accepted = withoutRivals(attached);
  const best = accepted
    .flatMap(({ hostnames }) => hostnames.filter((hostname) => covers(hostname, host)))
    .toSorted((a, b) => specificity(b) - specificity(a))[0];
  const own = listener.hostname ?? "*";
  // A listener has its own hostname even where no route has it.
  const final = best ?? own;
  return {
    listener: listener.name,
    routes: accepted.filter(({ hostnames }) => hostnames.includes(final)).map(({ route }) => route),
  };
}

interface AtListener {
  readonly route: Route;
  readonly hostnames: readonly string[];
}

/** HTTPRoutes and GRPCRoutes exclude each other where they share a hostname: the older stays. */
function withoutRivals(attached: readonly AtListener[]): AtListener[] {
  const kept: AtListener[] = [];
  const inOrder = attached.toSorted(
    (a, b) => compareAge(dated(a.route), dated(b.route)) || (a.route.kind === "GRPCRoute" ? -1 : 1),
  );
  for (const each of inOrder) {
    const isBeaten = kept.some(
      ({ route, hostnames }) =>
        route.kind !== each.route.kind &&
        hostnames.some((one) => each.hostnames.some((other) => covers(one, other) || covers(other, one))),
    );
    if (!isBeaten) kept.push(each);
  }
  return kept;
}

function commonHostnames(listener: string | undefined, route: readonly string[] | undefined): string[] {
  const wanted = route === undefined || route.length === 0 ? ["*"] : route;
  const own = listener ?? "*";
  return wanted.flatMap((each) => (covers(own, each) ? [each] : covers(each, own) ? [own] : []));
}

/** `*.suffix` stands for any number of labels before it. */
function covers(general: string, hostname: string): boolean {
  if (general === "*" || general === hostname) return true;
  return (
    general.startsWith("*.") && hostname.length > general.length - 1 && hostname.endsWith(general.slice(1))
  );
}

function specificity(hostname: string): number {
  if (hostname === "*") return 0;
  return hostname.startsWith("*.") ? hostname.length : 1_000 + hostname.length;
}

export function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
}

function routesOf(objects: readonly Applied[]): Route[] {
  return objects.filter((each): each is Route => each.kind === "HTTPRoute" || each.kind === "GRPCRoute");
}

export function serviceOf(objects: readonly Applied[], path: string): Service | undefined {
  return objects.find((each): each is Service => each.kind === "Service" && pathOf(each) === path);
}

/** With what a server adds where it is not said. */
function dated(object: { readonly metadata: Route["metadata"] }) {
  const { metadata } = object;
  return {
    metadata: {
      name: metadata.name,
      namespace: namespaceOf(object),
      creationTimestamp: metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
    },
  };
}

export function compareObjectAge(
  a: { readonly metadata: Route["metadata"] },
  b: { readonly metadata: Route["metadata"] },
): number {
  return compareAge(dated(a), dated(b));
}

/** The rule that takes the request, of routes that are in force together. */
export function ruleByTheText(routes: readonly Route[], question: Question): Taken | undefined {
  const request: MatchedRequest = {
    ...{ method: question.method, path: question.path, query: question.query },
    header: (name) => headerOf(question, name),
  };
  if (routes.some(({ kind }) => kind === "GRPCRoute")) return callRule(routes, question);
  const complete = routes.map((route) => ({
    of: route,
    ...dated(route),
    spec: {
      rules: (route.spec.rules ?? [{}]).map((rule) => ({ matches: matchesIn(rule).map(completeMatch) })),
    },
  }));
  const found: Candidate<(typeof complete)[number]> | undefined = candidateByTheText(complete, request);
  const rule = found?.route.of.spec.rules?.[found.rule];
  if (found === undefined) return undefined;
  return {
    route: found.route.of,
    rule: rule ?? {},
    index: found.rule,
    prefix: found.match.path.type === "PathPrefix" ? found.match.path.value : undefined,
  };
}

/** No matches are one for every path. */
function matchesIn({ matches = [] }: RouteRule): readonly RouteMatch[] {
  return matches.length === 0 ? [{}] : matches;
}

export function completeMatch({ path, method, headers = [], queryParams = [] }: RouteMatch): Match {
  const named = (values: typeof headers) =>
    values.map(({ name, value, type = "Exact" }) => ({ name, value, type }));
  return {
    path: { type: path?.type ?? "PathPrefix", value: path?.value ?? "/" },
    method: typeof method === "string" ? method : undefined,
    headers: named(headers),
    queryParams: named(queryParams),
  };
}

/** GRPCRoute: the longer service, the longer method, more headers; then the older route, its name, its place. */
function callRule(routes: readonly Route[], question: Question): Taken | undefined {
  const [, service = "", method = ""] = /^\/([^/]+)\/([^/]+)$/.exec(question.path) ?? [];
  const isWanted = (wanted: string | undefined, actual: string, type: string): boolean =>
    wanted === undefined || isValue({ type, value: wanted }, actual);
  const candidates = routes.flatMap((route) =>
    (route.spec.rules ?? []).flatMap((rule, index) =>
      matchesIn(rule).map((match) => {
        const called = typeof match.method === "object" ? match.method : {};
        return { route, rule, index, called, headers: match.headers ?? [] };
      }),
    ),
  );
  const [first] = candidates
    .filter(
      ({ called, headers }) =>
        question.isGrpc &&
        isWanted(called.service, service, called.type ?? "Exact") &&
        isWanted(called.method, method, called.type ?? "Exact") &&
        headers.every(({ name, value, type = "Exact" }) =>
          isValue({ type, value }, headerOf(question, name.toLowerCase())),
        ),
    )
    .toSorted(
      (a, b) =>
        (b.called.service ?? "").length - (a.called.service ?? "").length ||
        (b.called.method ?? "").length - (a.called.method ?? "").length ||
        b.headers.length - a.headers.length ||
        compareObjectAge(a.route, b.route) ||
        a.index - b.index,
    );
  return first && { route: first.route, rule: first.rule, index: first.index, prefix: undefined };
}
