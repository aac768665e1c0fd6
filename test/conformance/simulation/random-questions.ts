/** Requests near the edges of a configuration: what one of its matches asks for, with a few things changed. */
import { pick, type Random } from "../authorization/random.ts";
import type { Question, Route, RouteMatch } from "./applied.ts";
import {
  chance,
  grpcMethods,
  grpcServices,
  headerNames,
  hosts,
  methods,
  origins,
  queryNames,
  segments,
  several,
  values,
} from "./random-routes.ts";
import { clients, gateway, gatewayPorts, servicePorts } from "./world.ts";

const dialled = ["shop/front", "shop/front", "shop/one", "shop/two", "data/three", "shop/none"] as const;
/** What no match is written with: empty and dot segments, other spellings. */
const oddSegments = ["", ".", "..", "%61", "%2F", "d"] as const;

export function randomQuestion(random: Random, routes: readonly Route[], requestId: string): Question {
  const route = routes[Math.floor(random() * routes.length)];
  const isGrpc = chance(random, route?.kind === "GRPCRoute" ? 0.8 : 0.1);
  const rules = route?.spec.rules ?? [];
  const rule = rules[Math.floor(random() * rules.length)];
  const matches = rule?.matches ?? [];
  const match = matches[Math.floor(random() * matches.length)] ?? {};
  const wanted = chance(random, 0.8) ? match : {};
  const isCrossOrigin = chance(random, rule?.filters?.some(({ cors }) => cors !== undefined) ? 0.7 : 0.05);
  const plain = isGrpc ? randomCall(random, wanted) : randomRequest(random, wanted);
  const asked = isCrossOrigin && !isGrpc ? fromElsewhere(random, plain) : plain;
  const to = placeOf(random, route, isGrpc);
  return { ...to, ...asked, requestId, isGrpc };
}

function placeOf(
  random: Random,
  route: Route | undefined,
  isGrpc: boolean,
): Pick<Question, "from" | "service" | "port" | "authority"> {
  const parents = route?.spec.parentRefs ?? [];
  const parent = parents[Math.floor(random() * parents.length)];
  const isAtGateway =
    chance(random, 0.85) && parent !== undefined ? parent.kind !== "Service" : chance(random, 0.4);
  if (isAtGateway) {
    const port = chance(random, parent?.sectionName === "admin" ? 0.8 : 0.15)
      ? gatewayPorts[1]
      : gatewayPorts[0];
    const [hostname = pick(random, hosts)] = route?.spec.hostnames ?? [];
    const host = chance(random, 0.7)
      ? hostname.replace("*", pick(random, ["a", "x.y"]))
      : pick(random, hosts);
    const authority = `${chance(random, 0.1) ? host.toUpperCase() : host}:${port}`;
    return { from: { kind: "client", gateway }, service: "", port, authority };
  }
  const service =
    parent?.kind === "Service" && chance(random, 0.9)
      ? `${parent.namespace ?? "shop"}/${parent.name}`
      : pick(random, dialled);
  const [namespace = "", name = ""] = service.split("/");
  const port = isGrpc ? servicePorts.grpc : servicePorts.http;
  const authority = `${name}.${namespace}.svc.cluster.local${port === 80 ? "" : `:${port}`}`;
  return { from: { kind: "workload", workload: pick(random, clients) }, service, port, authority };
}

type Asked = Pick<Question, "method" | "path" | "query" | "headers">;

function randomRequest(random: Random, match: RouteMatch): Asked {
  const wanted =
    match.path?.type === "RegularExpression" ? pick(random, ["/a", "/a/b", "/b/b"]) : match.path?.value;
  const base = wanted !== undefined && chance(random, 0.85) ? wanted.replace(/\/$/, "") : "";
  const longer = several(
    random,
    0,
    2,
    () => `/${chance(random, 0.1) ? pick(random, oddSegments) : pick(random, segments)}`,
  );
  const path = base + (chance(random, 0.5) ? longer.join("") : "");
  const wantedQuery = new Map(
    (match.queryParams ?? []).map(({ name, value, type }) => [name, sample(random, value, type)]),
  );
  const query = queryNames
    .filter((name) => (wantedQuery.has(name) ? chance(random, 0.9) : chance(random, 0.3)))
    .map((name) => `${name}=${encodeURIComponent(wantedQuery.get(name) ?? pick(random, values))}`)
    .join("&");
  const method =
    typeof match.method === "string" && chance(random, 0.9) ? match.method : pick(random, methods);
  return { method, path: path === "" ? "/" : path, query, headers: headersFor(random, match) };
}

function randomCall(random: Random, { method: called, ...match }: RouteMatch): Asked {
  const wanted = typeof called === "object" && called.type !== "RegularExpression" ? called : {};
  const isKept = chance(random, 0.85);
  const service = (isKept ? wanted.service : undefined) ?? pick(random, grpcServices);
  const method = (isKept ? wanted.method : undefined) ?? pick(random, grpcMethods);
  const headers: [string, string][] = [
    ...headersFor(random, match),
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
  return { method: "POST", path: `/${service}/${method}`, query: "", headers };
}

/** As a browser asks on behalf of another origin's page, half of the time for leave. */
function fromElsewhere(random: Random, { headers, ...asked }: Asked): Asked {
  const own: [string, string][] = headers.map(([name, value]) => [name, value]);
  const origin: [string, string] = ["origin", pick(random, origins)];
  if (chance(random, 0.5)) return { ...asked, headers: [...own, origin] };
  const wanted = pick(random, [...methods, "DELETE"] as const);
  return {
    ...asked,
    method: "OPTIONS",
    headers: [...own, origin, ["access-control-request-method", wanted]],
  };
}

function headersFor(random: Random, match: RouteMatch): [string, string][] {
  const wanted = new Map(
    (match.headers ?? []).map(({ name, value, type }) => [name.toLowerCase(), sample(random, value, type)]),
  );
  return headerNames
    .filter((name) => (wanted.has(name) ? chance(random, 0.9) : chance(random, 0.3)))
    .map((name): [string, string] => [
      name,
      chance(random, 0.9) ? (wanted.get(name) ?? pick(random, values)) : "2",
    ]);
}

/** A text that the pattern may take. */
function sample(random: Random, value: string, type: string | undefined): string {
  return type === "RegularExpression" ? pick(random, values) : value;
}
