/** In turn: smooth, and going on where it was. */
import { describe, expect, test } from "bun:test";
import { RoundRobinBalancer } from "./round-robin-balancer.ts";
import { seeded, TestMember, testMembers } from "./test/test-member.ts";

const nowUs = 1_000_000;

function sequence(balancer: RoundRobinBalancer<TestMember>, picks: number, random = seeded()): string[] {
  return Array.from({ length: picks }, () => balancer.pick(nowUs, random)?.key ?? "nobody");
}

describe("RoundRobinBalancer", () => {
  test("one after another, from a random place on", () => {
    const keys = sequence(new RoundRobinBalancer(testMembers(3)), 6);
    expect(keys.slice(0, 3).toSorted()).toEqual(["m0", "m1", "m2"]);
    expect(keys.slice(3)).toEqual(keys.slice(0, 3));
    const starts = new Set<string | undefined>();
    for (let seed = 1; seed < 50; seed++) {
      starts.add(sequence(new RoundRobinBalancer(testMembers(3)), 1, seeded(seed * 7_919_191))[0]);
    }
    expect(starts.size).toBe(3);
  });

  test("weights are exact over each round, and the heavy one's turns are spread out", () => {
    const balancer = new RoundRobinBalancer([
      new TestMember(5, "heavy"),
      new TestMember(1, "a"),
      new TestMember(1, "b"),
    ]);
    const keys = sequence(balancer, 7_000);
    expect(Math.abs(keys.filter((key) => key === "heavy").length - 5_000)).toBeLessThan(3);
    expect(Math.abs(keys.filter((key) => key === "a").length - 1_000)).toBeLessThan(3);
    // Five turns in a row are a burst of five in seven.
    const longest = Math.max(
      ...keys
        .join(" ")
        .split(/ ?\b[ab]\b ?/)
        .map((run) => run.split("heavy").length - 1),
    );
    expect(longest).toBeLessThan(5);
    let turns = 0;
    for (const key of keys) turns = key === "heavy" ? 0 : turns + 1;
    expect(turns).toBeLessThan(4);
  });

  test.each([1, 2])("goes on where it was when members join and leave (weights up to %i)", (maxWeight) => {
    const members = testMembers(10, (index) => 1 + (index % maxWeight));
    const random = seeded();
    let balancer = new RoundRobinBalancer(members);
    const counts = new Map<string, number>();
    // A change before every second pick: whoever starts anew each time starves most members.
    for (let i = 0; i < 3_000; i++) {
      if (i % 2 === 0)
        balancer = new RoundRobinBalancer(members.toSpliced(i % 5, i % 4 === 0 ? 1 : 0), {}, balancer);
      const key = balancer.pick(nowUs, random)?.key ?? "nobody";
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const weight = members.reduce((sum, member) => sum + member.weight, 0);
    for (const member of members) {
      const expected = (3_000 * member.weight) / weight;
      expect(Math.abs((counts.get(member.key) ?? 0) / expected - 1)).toBeLessThan(0.45);
    }
  });

  test("many changes without a pick keep no old balancer alive", () => {
    const members = testMembers(4);
    let balancer = new RoundRobinBalancer(members);
    const first = sequence(balancer, 1)[0] ?? "";
    for (let i = 0; i < 100; i++) balancer = new RoundRobinBalancer(members, {}, balancer);
    const index = Number(first.slice(1));
    expect(sequence(balancer, 1)).toEqual([`m${(index + 1) % 4}`]);
  });

  test("stays exact after millions of turns", () => {
    const balancer = new RoundRobinBalancer([new TestMember(1, "a"), new TestMember(1_000_000, "b")]);
    const random = seeded();
    let light = 0;
    for (let i = 0; i < 4_000_000; i++) if (balancer.pick(nowUs, random)?.key === "a") light++;
    expect(light).toBeGreaterThanOrEqual(3);
    expect(light).toBeLessThanOrEqual(5);
  });
});
