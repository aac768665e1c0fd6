/** Random HTTPRoutes and requests from small alphabets, so that several rules want most requests and ties are common. */
import type { StoredOfKind } from "../../../src/api/index.ts";
import { stored } from "../../../src/compile/test/objects.ts";
import type { HttpRequestView } from "../../../src/decide/index.ts";

export type Random = () => number;
export type HttpRoute = StoredOfKind<"HTTPRoute">;
type Json = Record<string, unknown>;

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

function upTo(random: Random, count: number): number {
  return Math.floor(random() * (count + 1));
}

const segments = ["a", "b", "ab", "%41", "x.y"] as const;
const names = ["x", "y", "version"] as const;
const values = ["1", "2", "a b"] as const;
const methods = ["GET", "POST", "PUT"] as const;
/** Syntax that RE2 and JavaScript read alike. */
const pathPatterns = ["/a.*", "/[ab]/b", ".*", "/a", "(/b)+", "/(a|ab)(/.*)?"] as const;
const valuePatterns = ["[12]", ".*", "a.b", "1|2"] as const;

export function randomRoutes(random: Random): HttpRoute[] {
  const routes: HttpRoute[] = [];
  for (let i = 1 + upTo(random, 5); i > 0; i--) {
    const route = stored({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: {
        name: `r${i}`,
        namespace: pick(random, ["default", "other"]),
        creationTimestamp: pick(random, ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
      },
      spec: {
        parentRefs: [{ name: "edge", namespace: "default" }],
        rules: Array.from({ length: 1 + upTo(random, 3) }, () => randomRule(random)),
      },
    });
    if (route.kind === "HTTPRoute") routes.push(route);
  }
  return routes;
}

function randomRule(random: Random): Json {
  if (random() < 0.05) return {};
  return { matches: Array.from({ length: 1 + upTo(random, 3) }, () => randomMatch(random)) };
}

function randomMatch(random: Random): Json {
  return {
    ...(random() < 0.1 ? {} : { path: randomPathMatch(random) }),
    ...(random() < 0.3 ? { method: pick(random, methods) } : {}),
    ...(random() < 0.4 ? { headers: randomValues(random) } : {}),
    ...(random() < 0.4 ? { queryParams: randomValues(random) } : {}),
  };
}

function randomPathMatch(random: Random): Json {
  const kind = random();
  if (kind < 0.15) return { type: "RegularExpression", value: pick(random, pathPatterns) };
  const path = matchPath(random);
  if (kind < 0.4) return { type: "Exact", value: path };
  return { type: "PathPrefix", value: random() < 0.2 && path !== "/" ? `${path}/` : path };
}

function matchPath(random: Random): string {
  const path = Array.from({ length: upTo(random, 3) }, () => `/${pick(random, segments)}`).join("");
  return path === "" ? "/" : path;
}

function randomValues(random: Random): Json[] {
  return names
    .filter(() => random() < 0.4)
    .map((name) => {
      const isPattern = random() < 0.3;
      return {
        name: random() < 0.1 && name !== "x" ? name.toLowerCase() : name,
        type: isPattern ? "RegularExpression" : "Exact",
        value: isPattern ? pick(random, valuePatterns) : pick(random, values),
      };
    });
}

/** Also what no match may be written with: empty and dot segments, other spellings. */
const oddSegments = ["", ".", "..", "%2e", "%61", "%2F", "c"] as const;

export function randomView(random: Random): HttpRequestView {
  let path = "";
  for (let depth = upTo(random, 4); depth > 0; depth--) {
    path += `/${random() < 0.15 ? pick(random, oddSegments) : pick(random, segments)}`;
  }
  const headers = new Map(
    names.filter(() => random() < 0.5).map((name): [string, string] => [name, pick(random, values)]),
  );
  const query = names
    .filter(() => random() < 0.5)
    .flatMap((name) => (random() < 0.2 ? [name, name] : [name]))
    .map((name) => `${random() < 0.2 ? escaped(name) : name}=${encodeURIComponent(pick(random, values))}`)
    .join("&");
  return {
    method: pick(random, methods),
    path: path === "" ? "/" : path,
    query,
    header: (name) => headers.get(name),
  };
}

function escaped(name: string): string {
  return `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
}
