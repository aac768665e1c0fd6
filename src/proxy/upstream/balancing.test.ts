/** What algorithms do to requests while one endpoint is slow, fails, comes or goes: in virtual time. */
import { describe, expect, test } from "bun:test";
import { BalancingAlgorithm } from "../../model/index.ts";
import { balancedAlgorithms, balancingScenarios } from "./test/balancing-scenarios.ts";
import { simulate, type SimulationResult } from "./test/simulation.ts";

function run(title: string, algorithm: BalancingAlgorithm): SimulationResult & { readonly subject: number } {
  const scenario = balancingScenarios.find((each) => each.title.startsWith(title));
  if (scenario === undefined) throw new Error(`no scenario is called ${title}`);
  const result = simulate({ ...scenario, seconds: 15, warmUpSeconds: 3, balancing: { algorithm } });
  return { ...result, subject: result.shares.get(scenario.subject) ?? 0 };
}

describe("simulation", () => {
  test("gives the same with every run", () => {
    expect(run("all alike", BalancingAlgorithm.PEAK_EWMA)).toEqual(
      run("all alike", BalancingAlgorithm.PEAK_EWMA),
    );
  });

  test.each(balancedAlgorithms)("equal servers get equal shares (algorithm %i)", (algorithm) => {
    const { shares, failed } = run("all alike", algorithm);
    const tolerance = algorithm === BalancingAlgorithm.RING_HASH ? 0.03 : 0.015;
    for (const share of shares.values()) expect(Math.abs(share - 0.1)).toBeLessThan(tolerance);
    expect(failed).toBe(0);
  });
});

describe("one endpoint is 10 times slower", () => {
  test.each([
    [BalancingAlgorithm.PEAK_EWMA, 0.02],
    [BalancingAlgorithm.LEAST_REQUEST, 0.07],
  ])("who looks at load sends it less than its share (algorithm %i)", (algorithm, most) => {
    const blind = run("one is 10 times slower", BalancingAlgorithm.ROUND_ROBIN);
    const result = run("one is 10 times slower", algorithm);
    expect(blind.subject).toBeGreaterThan(0.09);
    expect(result.subject).toBeLessThan(most);
    expect(result.p99Ms).toBeLessThan(blind.p99Ms);
  });

  test("peak EWMA keeps the slowest hundredth near that of a cluster without it", () => {
    const healthy = run("all alike", BalancingAlgorithm.PEAK_EWMA);
    expect(run("one is 10 times slower", BalancingAlgorithm.PEAK_EWMA).p99Ms).toBeLessThan(2 * healthy.p99Ms);
  });
});

describe("all stand still for a moment, and one is slow all the time", () => {
  test("peak EWMA soon knows them apart again", () => {
    const result = run("the same, and all stand still", BalancingAlgorithm.PEAK_EWMA);
    expect(result.subject).toBeLessThan(0.005);
    expect(run("the same, and all stand still", BalancingAlgorithm.LEAST_REQUEST).subject).toBeGreaterThan(
      0.015,
    );
  });
});

describe("one endpoint fails half of its requests, and fast", () => {
  test("peak EWMA does not take it for the fastest", () => {
    const { subject, failed } = run("one fails half", BalancingAlgorithm.PEAK_EWMA);
    expect(subject).toBeLessThan(0.02);
    expect(failed).toBeLessThan(0.01);
    expect(run("one fails half", BalancingAlgorithm.LEAST_REQUEST).failed).toBeGreaterThan(0.04);
  });
});

describe("endpoints join and leave", () => {
  test.each(balancedAlgorithms)("nobody is flooded and nobody starves (algorithm %i)", (algorithm) => {
    const { requests, shares, p99Ms } = run("one leaves", algorithm);
    expect(requests).toBeGreaterThan(20_000);
    for (const name of ["s3", "s4", "s5", "s6", "s7", "s8", "s9"]) {
      expect(shares.get(name)).toBeGreaterThan(0.08);
      expect(shares.get(name)).toBeLessThan(0.17);
    }
    expect(p99Ms).toBeLessThan(40);
  });
});
