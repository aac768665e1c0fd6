/** Sections `balancing` and `locality` of TrafficPolicy: which endpoint of a pool takes a request. */
import type { Issue } from "../kernel/index.ts";
import { cookieName, headerName, localityName, queryName, regionName } from "./formats.ts";
import { decimal, timeSpan } from "./measures.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** A request that has none of a few keys has none of many. */
const maxHashKeys = 8;
/** Places of a ring or table cost a proxy memory, and its making time: a million places are 4 MB for each cluster. */
const maxPlaces = 1_048_576;
const maxRegions = 32;
const maxNextRegions = 16;
const maxLocalityWeights = 64;
const maxWeight = 1_000_000;

const hashKeySchema = object("What of a request is hashed. Exactly one of the fields.", {
  header: optional(text("Name of a header.", headerName)),
  cookie: optional(
    object("A cookie.", {
      name: text("Name of the cookie.", cookieName),
      path: optional(
        text("Path of the cookie where the proxy makes it; default /.", {
          min: 1,
          max: 1024,
          pattern: "^/[ -:<-~]*$",
          expected: "a path such as /cart, without ';'",
        }),
      ),
      maxAge: optional(
        timeSpan(
          "Where given, a request without the cookie gets one of this age; where absent, it has no key.",
          {
            min: "1s",
            max: "9600h",
            zero: "for the browser's session",
          },
        ),
      ),
    }),
  ),
  queryParameter: optional(text("Name of a query parameter.", queryName)),
  sourceAddress: optional(flag("The client's address. Only true.")),
  sourceIdentity: optional(flag("The calling workload's SPIFFE id. Only true.")),
});

export const balancingSchema = object("Which endpoint takes a request.", {
  algorithm: optional(
    oneOf(
      "How an endpoint is chosen. Default PeakEwma: of two at random, the one that is expected to answer first.",
      ["PeakEwma", "LeastRequest", "RoundRobin", "Random", "RingHash", "Maglev"],
    ),
  ),
  hash: optional(
    list(
      "For RingHash and Maglev: the first key that the request has decides; without any of them the choice is random.",
      hashKeySchema,
      { max: maxHashKeys },
    ),
  ),
  ringSize: optional(integer("For RingHash: places on the ring, of all endpoints together.", 16, maxPlaces)),
  tableSize: optional(
    integer(
      "For Maglev: places of the table. A prime, best a hundred times the number of endpoints.",
      11,
      maxPlaces,
    ),
  ),
  slowStart: optional(
    object("A new endpoint's share of requests grows to the whole over a while.", {
      window: optional(timeSpan("How long it grows.", { min: "1s", max: "1h", zero: "off" })),
      minimumPercent: optional(integer("Its share at first, in percent; default 10.", 1, 100)),
      aggression: optional(
        decimal('Over 1 it grows slower at first, under 1 faster; default "1.0".', { min: "0.1", max: "10" }),
      ),
    }),
  ),
  panicPercent: optional(
    integer(
      "Where fewer endpoints than this share are fit, all take requests: a bad chance is better than to overload the rest. Default 50; 0: never.",
      0,
      100,
    ),
  ),
});

export const localitySchema = object("Which endpoints are near, and where requests go when those fail.", {
  preferSameZone: optional(flag("Endpoints of the caller's zone first, then of its region. Default true.")),
  minFitPercent: optional(
    integer(
      "While fewer than this share of the nearer endpoints are fit, the next locality takes its share too. Default 70.",
      0,
      100,
    ),
  ),
  failover: optional(
    list(
      "Which regions take over from a region, in this order; without it any other.",
      object("Where requests of one region go.", {
        from: text("The region that fails.", regionName),
        to: list("Regions that take over.", text("A region.", regionName), {
          min: 1,
          max: maxNextRegions,
          unique: true,
        }),
      }),
      { max: maxRegions },
    ),
  ),
  weights: optional(
    list(
      "Shares of localities, instead of nearness.",
      object("Of callers in one locality so much goes to another.", {
        from: text("Where the caller is.", localityName),
        to: text("Where the endpoint is.", localityName),
        weight: integer("Its share, of the sum of all weights for the caller.", 0, maxWeight),
      }),
      { max: maxLocalityWeights },
    ),
  ),
});

export function checkBalancing(balancing: ValueOf<typeof balancingSchema>, path: string): Issue[] {
  const { algorithm, hash, tableSize, ringSize } = balancing;
  const issues: Issue[] = [];
  const needs = (field: string, algorithms: readonly string[]): void => {
    // Where the algorithm is absent a farther policy may have said it.
    if (algorithm === undefined || algorithms.includes(algorithm)) return;
    issues.push({
      path: `${path}.${field}`,
      message: `has no meaning with algorithm ${algorithm}; it needs ${algorithms.join(" or ")}`,
    });
  };
  if (hash !== undefined && hash.length > 0) needs("hash", ["RingHash", "Maglev"]);
  if (ringSize !== undefined) needs("ringSize", ["RingHash"]);
  if (tableSize !== undefined) {
    needs("tableSize", ["Maglev"]);
    if (!isPrime(tableSize)) {
      const message = `must be a prime, such as ${primeFrom(tableSize)}`;
      issues.push({ path: `${path}.tableSize`, message });
    }
  }
  for (const [index, key] of (hash ?? []).entries()) issues.push(...checkKey(key, `${path}.hash[${index}]`));
  return issues;
}

function checkKey(key: ValueOf<typeof hashKeySchema>, path: string): Issue[] {
  const given = Object.keys(key);
  if (given.length !== 1) {
    const kinds = "header, cookie, queryParameter, sourceAddress, sourceIdentity";
    return [{ path, message: `must have exactly one of ${kinds}` }];
  }
  return (["sourceAddress", "sourceIdentity"] as const).flatMap((field) =>
    key[field] === false ? [{ path: `${path}.${field}`, message: "must be true or absent" }] : [],
  );
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return number > 1;
}

/** The next one, or the last below the bound. */
function primeFrom(number: number): number {
  for (let next = number; next <= maxPlaces; next++) if (isPrime(next)) return next;
  return 1_048_573;
}

export function checkLocality(locality: ValueOf<typeof localitySchema>, path: string): Issue[] {
  const { failover, weights } = locality;
  const issues: Issue[] = [];
  const regions = new Set<string>();
  for (const [index, { from, to }] of (failover ?? []).entries()) {
    const at = `${path}.failover[${index}]`;
    if (regions.has(from)) issues.push({ path: `${at}.from`, message: `${from} is listed twice` });
    if (to.includes(from)) issues.push({ path: `${at}.to`, message: `${from} cannot take over from itself` });
    regions.add(from);
  }
  const pairs = new Set<string>();
  for (const [index, { from, to }] of (weights ?? []).entries()) {
    const pair = `${from} to ${to}`;
    if (pairs.has(pair))
      issues.push({ path: `${path}.weights[${index}]`, message: `${pair} is listed twice` });
    pairs.add(pair);
  }
  for (const from of new Set((weights ?? []).map((each) => each.from))) {
    if ((weights ?? []).some((each) => each.from === from && each.weight > 0)) continue;
    issues.push({ path: `${path}.weights`, message: `all weights from ${from} are 0` });
  }
  if (weights !== undefined && weights.length > 0) {
    for (const field of ["preferSameZone", "minFitPercent", "failover"] as const) {
      if (locality[field] === undefined || locality[field] === false) continue;
      issues.push({ path: `${path}.${field}`, message: "has no meaning beside weights" });
    }
  }
  return issues;
}
