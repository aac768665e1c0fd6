/** What every algorithm must do, whatever it balances by. */
import { describe, expect, test } from "bun:test";
import { BalancingAlgorithm } from "../../../../model/index.ts";
import { makeBalancer } from "../algorithms.ts";
import type { Balancer, BalancerOptions, PickRequest } from "../balancer.ts";
import { randomHash } from "../hash.ts";
import { seeded, type TestMember, testMembers } from "./test-member.ts";

const nowUs = 1_000_000_000;
/** A million picks may take this long, whatever the number of members: 5 µs each on a busy machine. */
const maxPickUs = 5;

/** Each pick is another request. */
function freshRequest(random: () => number): PickRequest {
  return { hash: () => randomHash(random) };
}

/** How often each was picked. */
function spread(balancer: Balancer<TestMember>, picks: number, atUs = nowUs): Map<TestMember, number> {
  const random = seeded();
  const request = freshRequest(random);
  const counts = new Map<TestMember, number>(balancer.members.map((member) => [member, 0]));
  for (let i = 0; i < picks; i++) {
    const member = balancer.pick(atUs, random, undefined, request);
    if (member !== undefined) counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  return counts;
}

export function balancerContract(algorithm: BalancingAlgorithm): void {
  const make = (members: TestMember[], options: BalancerOptions = {}, previous?: Balancer<TestMember>) =>
    makeBalancer({ algorithm }, members, { hashKeys: [], ...options }, previous);
  const pickWith = (balancer: Balancer<TestMember>, tried?: TestMember[]) =>
    balancer.pick(nowUs, seeded(), tried, freshRequest(seeded(7)));

  describe(BalancingAlgorithm[algorithm], () => {
    test("spreads evenly over members of equal weight", () => {
      const counts = spread(make(testMembers(8)), 40_000);
      // A ring's shares differ by 9 % (one deviation) by design; the others' by chance alone.
      const tolerance = algorithm === BalancingAlgorithm.RING_HASH ? 0.3 : 0.08;
      for (const count of counts.values()) expect(Math.abs(count / 5_000 - 1)).toBeLessThan(tolerance);
    });

    test("shares follow the weights", () => {
      const members = testMembers(6, (index) => [1, 2, 3, 4, 8, 12][index] ?? 1);
      for (const [member, count] of spread(make(members), 60_000)) {
        const expected = (member.weight / 30) * 60_000;
        const tolerance = algorithm === BalancingAlgorithm.RING_HASH ? 0.4 : 0.15;
        expect(Math.abs(count / expected - 1)).toBeLessThan(tolerance);
      }
    });

    test("a weight of 0 is never picked", () => {
      const members = testMembers(4, (index) => (index === 2 ? 0 : 5));
      const balancer = make(members);
      const counts = spread(balancer, 2_000);
      expect(counts.get(members[2] ?? fail())).toBeUndefined();
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(2_000);
      expect(pickWith(make(testMembers(3, () => 0)))).toBeUndefined();
    });

    test("has nothing to give when it has no members", () => {
      expect(pickWith(make([]))).toBeUndefined();
    });

    test("a single member gets everything, until it was tried", () => {
      const members = testMembers(1);
      const balancer = make(members);
      expect(pickWith(balancer)).toBe(members[0]);
      expect(pickWith(balancer, members)).toBeUndefined();
    });

    test("what was tried is skipped, down to the last", () => {
      const members = testMembers(5, (index) => index + 1);
      const balancer = make(members);
      const tried: TestMember[] = [];
      for (let i = 0; i < members.length; i++) {
        const member = pickWith(balancer, tried);
        expect(member).toBeDefined();
        expect(tried).not.toContain(member ?? fail());
        if (member !== undefined) tried.push(member);
      }
      expect(pickWith(balancer, tried)).toBeUndefined();
    });

    test.each(["avoidUntilUs", "ejectedUntilUs"] as const)(
      "who is not fit (%s) comes last, and is back in time",
      (field) => {
        const members = testMembers(4);
        const [unfit, ...rest] = members;
        if (unfit === undefined) return;
        unfit[field] = nowUs + 1_000;
        const balancer = make(members);
        expect(spread(balancer, 4_000).get(unfit)).toBe(0);
        expect(pickWith(balancer, rest)).toBe(unfit);
        expect(spread(balancer, 8_000, nowUs + 1_001).get(unfit)).toBeGreaterThan(1_000);
      },
    );

    test("whom the health check found ill comes last", () => {
      const members = testMembers(3);
      const [ill, ...rest] = members;
      if (ill === undefined) return;
      ill.isProbedUnhealthy = true;
      const balancer = make(members);
      expect(spread(balancer, 3_000).get(ill)).toBe(0);
      expect(pickWith(balancer, rest)).toBe(ill);
    });

    test("where nobody is fit, somebody is picked all the same", () => {
      const members = testMembers(50);
      for (const [index, member] of members.entries()) member.avoidUntilUs = nowUs + 1_000 + index;
      const balancer = make(members);
      expect(pickWith(balancer)).toBe(members[0]);
      expect(pickWith(balancer, members.slice(0, 1))).toBe(members[1]);
    });

    test("members join and leave: those who are there get their shares, those who left nothing", () => {
      const members = testMembers(20);
      const first = make(members.slice(0, 10));
      spread(first, 1_000);
      const second = make(members.slice(5), {}, first);
      // After the shortest time between two builds of a table.
      const counts = spread(second, 30_000, nowUs + 10_000_000);
      for (const member of members.slice(0, 5)) expect(counts.get(member)).toBeUndefined();
      for (const member of members.slice(5)) expect(counts.get(member)).toBeGreaterThan(1_000);
      expect(spread(first, 1_000).size).toBe(10);
    });

    test.each([10_000, 100_000])(
      "%i members: made and changed in bounded time, picked from in microseconds",
      (count) => {
        const members = testMembers(count, (index) => 1 + (index % 3));
        const random = seeded();
        const request = freshRequest(random);
        const startMs = cpuMs();
        let balancer = make(members);
        balancer.pick(nowUs, random, undefined, request);
        expect(cpuMs() - startMs).toBeLessThan(count / 20);
        const changeMs = cpuMs();
        for (let change = 1; change <= 20; change++) {
          balancer = make(members.slice(change), {}, balancer);
          balancer.pick(nowUs, random, undefined, request);
        }
        expect((cpuMs() - changeMs) / 20).toBeLessThan(count / 500);
        const pickMs = cpuMs();
        for (let i = 0; i < 20_000; i++) balancer.pick(nowUs, random, undefined, request);
        expect((cpuMs() - pickMs) / 20).toBeLessThan(maxPickUs);
      },
    );
  });
}

/** Of this process: the wall clock tells how busy the machine is. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function fail(): never {
  throw new Error("there is such a member");
}
