import { expect, test } from "bun:test";
import { Entry, outcomeOf } from "./entry.ts";
import type { Figures } from "./figures.ts";
import type { Peer } from "./peers/peer.ts";

function entry(name: string, rounds: readonly Figures[], routes = 1): Entry {
  const peer: Peer = {
    name,
    missing: () => undefined,
    start: () => Promise.reject(new Error("not in this test")),
  };
  const made = new Entry(peer, routes);
  made.version = "1.0";
  made.rounds.push(...rounds);
  return made;
}

test("figures are medians over the rounds, with the memory before any load", () => {
  const one = entry(
    "weft",
    [30, 10, 20].map((cpuUsPerRequest) => ({ cpuUsPerRequest })),
  );
  one.idle = { idleRssMb: 40 };
  expect(outcomeOf([one]).results["weft"]).toEqual({
    version: "1.0",
    cpuUsPerRequest: 20,
    idleRssMb: 40,
    errors: 0,
  });
});

test("a single error takes all figures away", () => {
  const one = entry("weft", [{ cpuUsPerRequest: 1 }]);
  one.errors = 1;
  expect(outcomeOf([one])).toEqual({
    results: { weft: { version: "1.0", errors: 1 } },
    failures: { weft: "1 errors, so no figure" },
  });
});

test("a peer that failed is among the failures alone", () => {
  const one = entry("weft", [{ cpuUsPerRequest: 1 }]);
  one.failure = "it did not listen";
  expect(outcomeOf([one])).toEqual({ results: {}, failures: { weft: "it did not listen" } });
});

test("what a proxy adds is the median of the differences of each round", () => {
  const direct = entry("direct", [
    { p50Ms: 1, p99Ms: 10 },
    { p50Ms: 1, p99Ms: 2 },
    { p50Ms: 1, p99Ms: 2 },
  ]);
  const weft = entry("weft", [
    { p50Ms: 2, p99Ms: 11 },
    { p50Ms: 2, p99Ms: 3 },
    { p50Ms: 2, p99Ms: 9 },
  ]);
  const { results } = outcomeOf([direct, weft]);
  expect(results["weft"]).toMatchObject({ addedP50Ms: 1, addedP99Ms: 1, p99Ms: 9 });
  expect(results["direct"]).not.toHaveProperty("addedP99Ms");
});

test("many policies are held against none", () => {
  const [none, many] = [20, 21].map((cpuUsPerRequest, i) => {
    const made = new Entry(
      { name: "weft", missing: () => undefined, start: () => Promise.reject() },
      1,
      i * 1_000,
    );
    made.rounds.push({ cpuUsPerRequest, rssMb: 50 + i });
    return made;
  });
  if (none === undefined || many === undefined) throw new Error("no entries");
  expect([none.label, many.label]).toEqual(["weft", "weft with 1000 policies"]);
  expect(outcomeOf([none, many]).results["weft"]).toMatchObject({
    cpuUsPerRequest: 21,
    cpuUsPerRequestNoPolicy: 20,
    cpuRatioNoPolicy: 1.05,
    rssMbNoPolicy: 50,
  });
});

test("many routes are held against one", () => {
  const one = entry("weft", [{ cpuUsPerRequest: 20, rssMb: 50 }]);
  const many = entry("weft", [{ cpuUsPerRequest: 22, rssMb: 80 }], 5000);
  expect(outcomeOf([one, many]).results["weft"]).toMatchObject({
    cpuUsPerRequest: 22,
    cpuUsPerRequestOneRoute: 20,
    cpuRatio: 1.1,
    rssMb: 80,
    rssMbOneRoute: 50,
  });
});

test("a ratio is the median of the ratios of each round: a slow round slows both", () => {
  const cpu = (values: readonly number[]): Figures[] =>
    values.map((cpuUsPerRequest) => ({ cpuUsPerRequest }));
  const plain = entry("weft-plain", cpu([20, 40, 60]));
  const told = entry("weft-told", cpu([22, 44, 33]));
  const { results } = outcomeOf([plain, told]);
  expect(results["weft-told"]).toMatchObject({ cpuUsPerRequest: 33, cpuRatioPlain: 1.1, addedCpuUs: 2 });
  expect(results["weft-plain"]).not.toHaveProperty("cpuRatioPlain");
  const [one, many] = [entry("weft", cpu([20, 40, 60])), entry("weft", cpu([22, 44, 33]), 5000)];
  expect(outcomeOf([one, many]).results["weft"]).toMatchObject({ cpuRatio: 1.1 });
});
