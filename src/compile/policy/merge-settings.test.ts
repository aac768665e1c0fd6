/** What several policies say together: each field from the nearest that says something about it. */
import { expect, test } from "bun:test";
import { stored } from "../test/objects.ts";
import { seededRandom } from "../test/random-mesh.ts";
import { leavesOf, mergeSettings } from "./merge-settings.ts";
import type { TrafficSettings } from "./policy-input.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Each field in two values. */
const fields: readonly (readonly [TrafficSettings, TrafficSettings])[] = [
  [{ balancing: { algorithm: "Random" } }, { balancing: { algorithm: "RoundRobin" } }],
  [{ balancing: { hash: [{ header: "a" }] } }, { balancing: { hash: [] } }],
  [{ balancing: { panicPercent: 0 } }, { balancing: { panicPercent: 1 } }],
  [{ balancing: { slowStart: { window: "1s" } } }, { balancing: { slowStart: { window: "2s" } } }],
  [{ balancing: { slowStart: { aggression: "1" } } }, { balancing: { slowStart: { aggression: "2" } } }],
  [{ locality: { preferSameZone: true } }, { locality: { preferSameZone: false } }],
  [{ locality: { failover: [] } }, { locality: { failover: [{ from: "a", to: ["b"] }] } }],
  [{ sessionPersistence: { type: "Header" } }, { sessionPersistence: { type: "Cookie", idleTimeout: "1s" } }],
  [{ connections: { maxRequests: 1 } }, { connections: { maxRequests: 2 } }],
  [{ connections: { keepAlive: { idle: "1s" } } }, { connections: { keepAlive: { idle: "2s" } } }],
  [{ connections: { keepAlive: { interval: "1s" } } }, { connections: { keepAlive: { interval: "2s" } } }],
  [{ timeouts: { request: "0s" } }, { timeouts: { request: "1s" } }],
  [{ timeouts: { try: "0s" } }, { timeouts: { try: "1s" } }],
  [{ retries: { attempts: 0 } }, { retries: { attempts: 1 } }],
  [{ retries: { backoff: { base: "1s" } } }, { retries: { backoff: { base: "2s" } } }],
  [{ retries: { backoff: { max: "1s" } } }, { retries: { backoff: { max: "2s" } } }],
  [{ retries: { budget: { percent: 0 } } }, { retries: { budget: { percent: 1 } } }],
  [{ retries: { budget: { minPerSecond: 0 } } }, { retries: { budget: { minPerSecond: 1 } } }],
  [{ hedging: { delay: "1s" } }, { hedging: { delay: "2s" } }],
  [{ hedging: { maxExtra: 0 } }, { hedging: { maxExtra: 1 } }],
  [{ outlierDetection: { consecutive5xx: 0 } }, { outlierDetection: { consecutive5xx: 1 } }],
  [
    { outlierDetection: { successRate: { deviation: "1" } } },
    { outlierDetection: { successRate: { deviation: "2" } } },
  ],
  [
    { outlierDetection: { successRate: { minimumRequests: 1 } } },
    { outlierDetection: { successRate: { minimumRequests: 2 } } },
  ],
  [{ outlierDetection: { latency: { factor: "2" } } }, { outlierDetection: { latency: { factor: "3" } } }],
  [{ healthCheck: { tcp: {} } }, { healthCheck: { http: { path: "/" } } }],
  [{ healthCheck: { tcp: {}, interval: "1s" } }, { healthCheck: { grpc: {}, interval: "2s" } }],
  [{ adaptiveConcurrency: { minimum: 1 } }, { adaptiveConcurrency: { minimum: 2 } }],
  [{ adaptiveConcurrency: { maximum: 1 } }, { adaptiveConcurrency: { maximum: 2 } }],
];

test.each(fields)("%j: the nearer of two wins, and others' fields stay", (one, other) => {
  expect(mergeSettings([one, other])).toEqual(one);
  expect(mergeSettings([other, one])).toEqual(other);
  expect(mergeSettings([{}, one])).toEqual(one);
});

test("a nearer probe takes the place of another kind of probe, and keeps how often it is asked", () => {
  const merged = mergeSettings([
    { healthCheck: { http: { path: "/" } } },
    { healthCheck: { tcp: {}, interval: "5s", timeout: "1s" } },
  ]);
  expect(merged).toEqual({ healthCheck: { http: { path: "/" }, interval: "5s", timeout: "1s" } });
});

test(`of any number of policies each field is the nearest's (WEFT_TEST_SEED=${seed})`, () => {
  const random = seededRandom(seed);
  for (let round = 0; round < 500; round++) {
    // One policy: each field that it says, in one of the two values.
    const layers = Array.from({ length: 4 }, () =>
      mergeSettings(fields.flatMap((pair) => (random() < 0.3 ? [pair[random() < 0.5 ? 0 : 1]] : []))),
    );
    const merged = mergeSettings(layers);
    const said = new Set(layers.flatMap((layer) => leavesOf(layer, "")));
    expect(new Set(leavesOf(merged, ""))).toEqual(said);
    for (const leaf of said) {
      const nearest = layers.find((layer) => leavesOf(layer, "").includes(leaf)) ?? {};
      expect([leaf, valueAt(merged, leaf)]).toEqual([leaf, valueAt(nearest, leaf)]);
    }
  }
});

function valueAt(settings: TrafficSettings, leaf: string): unknown {
  if (leaf === "healthCheck.probe") {
    const { http, grpc, tcp } = settings.healthCheck ?? {};
    return { http, grpc, tcp };
  }
  let value: unknown = settings;
  for (const part of leaf.split("."))
    value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
  return value;
}

test("the leaves are those of the schema", () => {
  const policy = stored({
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name: "p" },
    spec: {
      targetRefs: [{ kind: "Service", name: "web" }],
      sessionPersistence: { cookieConfig: {} },
      retries: { on: [503], backoff: { base: "1s" } },
      healthCheck: { http: { path: "/", statuses: [200] }, interval: "1s" },
    },
  });
  const spec = policy.kind === "TrafficPolicy" ? policy.spec : undefined;
  const { targetRefs: _, ...said } = spec ?? { targetRefs: [] };
  expect(leavesOf(said, "").toSorted()).toEqual([
    "healthCheck.interval",
    "healthCheck.probe",
    "retries.backoff.base",
    "retries.on",
    "sessionPersistence",
  ]);
});
