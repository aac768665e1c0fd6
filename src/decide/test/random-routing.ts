/** Random routings and requests from small alphabets, so that they meet often. Seeded: a failure can be run again. */
import { create } from "@bufbuild/protobuf";
import { type HttpRouting, HttpRoutingSchema } from "../../model/index.ts";
import type { HttpRequestView } from "../request-view.ts";

export type Random = () => number;

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

const segments = ["a", "b", "c", "", "ab", "%2F", "%61", "x.y"] as const;
const names = ["x", "y", "version"] as const;
const values = ["1", "2", "a b", "é"] as const;
const methods = ["GET", "POST", "PUT"] as const;
const contentTypes = [
  "application/grpc",
  "Application/gRPC+proto",
  "application/grpc-web",
  "text/plain",
] as const;
const pathPatterns = ["/a.*", "/[ab]/c", "/.*", "/a", "(/b)+"] as const;

function randomPath(random: Random): string {
  let path = "";
  for (let depth = Math.floor(random() * 4); depth > 0; depth--) path += `/${pick(random, segments)}`;
  return path === "" ? "/" : path;
}

function randomValues(random: Random) {
  return names
    .filter(() => random() < 0.2)
    .map((name) => ({
      name,
      value:
        random() < 0.3
          ? { case: "regex" as const, value: pick(random, ["[12]", ".*", "a.b"]) }
          : { case: "exact" as const, value: pick(random, values) },
    }));
}

function randomMatchPath(random: Random) {
  const kind = random();
  if (kind < 0.3) return { case: "pathExact" as const, value: randomPath(random) };
  if (kind < 0.45) return { case: "pathRegex" as const, value: pick(random, pathPatterns) };
  if (kind < 0.5) return { case: undefined };
  const path = randomPath(random);
  return { case: "pathPrefix" as const, value: path === "/" && random() < 0.5 ? "" : path };
}

/** Rule `i` stands behind entry `i`, so that the matched rule tells the entry. */
export function randomRouting(random: Random, count: number): HttpRouting {
  return create(HttpRoutingSchema, {
    entries: Array.from({ length: count }, (_, rule) => ({
      rule,
      match: {
        path: randomMatchPath(random),
        method: random() < 0.2 ? pick(random, methods) : "",
        headers: randomValues(random),
        query: randomValues(random),
        grpc: random() < 0.1,
      },
    })),
    rules: Array.from({ length: count }, (_, rule) => ({
      source: { kind: "HTTPRoute", namespace: "default", name: "route", section: String(rule) },
    })),
  });
}

export function randomRequest(random: Random): HttpRequestView {
  const headers = new Map(
    names.filter(() => random() < 0.4).map((name): [string, string] => [name, pick(random, values)]),
  );
  if (random() < 0.5) headers.set("content-type", pick(random, contentTypes));
  const query = names
    .filter(() => random() < 0.5)
    .flatMap((name) => (random() < 0.3 ? [name, name] : [name]))
    .map((name) => `${random() < 0.2 ? "%78" : name}=${encodeURIComponent(pick(random, values))}`)
    .join(random() < 0.2 ? "&&" : "&");
  return {
    method: pick(random, methods),
    path: randomPath(random),
    query,
    header: (name) => headers.get(name),
  };
}
