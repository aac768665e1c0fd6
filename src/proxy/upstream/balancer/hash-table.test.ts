/** Which keys move when members come, go and fail. */
import { describe, expect, test } from "bun:test";
import { hash32 } from "../../../kernel/index.ts";
import { BalancingAlgorithm } from "../../../model/index.ts";
import { makeBalancer } from "./algorithms.ts";
import type { Balancer, BalancerOptions } from "./balancer.ts";
import { seeded, TestMember, testMembers } from "./test/test-member.ts";

const keyCount = 20_000;
const nowUs = 1_000_000_000;
/** After the shortest time between two builds of any table. */
const laterUs = nowUs + 60_000_000;
const noChance = (): number => {
  throw new Error("a key leaves nothing to chance");
};

function pickKey(
  balancer: Balancer<TestMember>,
  key: number,
  tried: TestMember[] = [],
  atUs = nowUs,
): TestMember {
  const hash = hash32(`key-${key}`);
  const member = balancer.pick(atUs, noChance, tried, { hash: () => hash });
  if (member === undefined) throw new Error("nobody was picked");
  return member;
}

function owners(balancer: Balancer<TestMember>, atUs = nowUs): TestMember[] {
  return Array.from({ length: keyCount }, (_, key) => pickKey(balancer, key, [], atUs));
}

function moved(before: readonly TestMember[], after: readonly TestMember[]): TestMember[] {
  return before.filter((owner, key) => owner !== after[key]);
}

test("the hash is XXH32, which does not change with the runtime", () => {
  expect(hash32("")).toBe(0x02cc5d05);
  expect(hash32("abc")).toBe(0x32d153ff);
});

describe.each([
  ["RING_HASH", BalancingAlgorithm.RING_HASH],
  ["MAGLEV", BalancingAlgorithm.MAGLEV],
] as const)("%s", (_, algorithm) => {
  const make = (members: TestMember[], previous?: Balancer<TestMember>, options: BalancerOptions = {}) =>
    makeBalancer({ algorithm }, members, options, previous);

  test("a key goes to the same member in every proxy", () => {
    const here = owners(make(testMembers(20)));
    const there = owners(make(testMembers(20).toReversed()));
    expect(there.map((member) => member.key)).toEqual(here.map((member) => member.key));
  });

  test.each([2, 3, 10, 50, 200])("when one of %i leaves, its keys move and no others", (count) => {
    const members = testMembers(count, (index) => 1 + (index % 3));
    const first = make(members);
    const before = owners(first);
    const leaver = members[count >> 1];
    const second = make(
      members.filter((member) => member !== leaver),
      first,
    );
    const movers = moved(before, owners(second, laterUs));
    expect(movers.every((owner) => owner === leaver)).toBe(true);
    // Its share by weight, and what chance (and a ring's unevenness) adds to it.
    const weight = members.reduce((sum, member) => sum + member.weight, 0);
    const share = (leaver?.weight ?? 0) / weight;
    const deviation = Math.sqrt((share * (1 - share)) / keyCount) + share * 0.1;
    expect(movers.length / keyCount).toBeLessThan(share + 4 * deviation);
    expect(movers.length).toBeGreaterThan(0);
  });

  test("leaver after leaver, each one's keys alone move, and they spread over all that stay", () => {
    const members = testMembers(20);
    let balancer = make(members);
    let before = owners(balancer);
    for (let left = 1; left <= 9; left++) {
      balancer = make(members.slice(left), balancer);
      const after = owners(balancer, laterUs);
      expect(moved(before, after).every((owner) => owner === members[left - 1])).toBe(true);
      before = after;
    }
    const counts = members.slice(9).map((member) => before.filter((owner) => owner === member).length);
    for (const count of counts) expect(Math.abs(count / (keyCount / 11) - 1)).toBeLessThan(0.35);
  });

  test("when one joins, about its share moves", () => {
    const members = testMembers(20);
    const first = make(members.slice(0, 19));
    const before = owners(first);
    const movers = moved(before, owners(make(members, first), laterUs));
    expect(movers.length / keyCount).toBeGreaterThan(0.03);
    // Maglev's new table moves some keys between the others too.
    expect(movers.length / keyCount).toBeLessThan(algorithm === BalancingAlgorithm.MAGLEV ? 0.12 : 0.07);
  });

  test("one that joins waits until the next table may be built, and one that leaves does not", () => {
    const members = testMembers(4);
    const first = make(members.slice(0, 3));
    owners(first);
    const second = make(members.slice(1), first);
    expect(new Set(owners(second, nowUs + 1))).toEqual(new Set(members.slice(1, 3)));
    expect(new Set(owners(second, laterUs))).toEqual(new Set(members.slice(1)));
  });

  test("keys of one that is not fit go to others, no other key moves, and all come back", () => {
    const members = testMembers(12);
    const balancer = make(members);
    const before = owners(balancer);
    const unfit = members[3] ?? new TestMember();
    unfit.ejectedUntilUs = nowUs + 1;
    const during = owners(balancer);
    expect(moved(before, during).every((owner) => owner === unfit)).toBe(true);
    expect(during).not.toContain(unfit);
    expect(owners(balancer, nowUs + 2)).toEqual(before);
  });

  test("a key's next member is always the same one", () => {
    const balancer = make(testMembers(9));
    for (let key = 0; key < 200; key++) {
      const first = pickKey(balancer, key);
      const second = pickKey(balancer, key, [first]);
      expect(second).not.toBe(first);
      expect(pickKey(balancer, key, [first])).toBe(second);
    }
  });

  test("a new weight takes effect", () => {
    const members = testMembers(4);
    const first = make(members);
    owners(first);
    const heavy = members[0] ?? new TestMember();
    heavy.weight = 9;
    const after = owners(make(members, first), laterUs);
    expect(after.filter((owner) => owner === heavy).length / keyCount).toBeGreaterThan(0.6);
  });

  test("requests without a key are spread by chance", () => {
    const balancer = make(testMembers(3));
    const random = seeded();
    const picked = new Set(Array.from({ length: 100 }, () => balancer.pick(nowUs, random)));
    expect(picked.size).toBe(3);
    expect(balancer.pick(nowUs, random, [], { hash: () => undefined })).toBeDefined();
  });

  test("a table that is too small or no prime is made to fit", () => {
    const options = { ringSize: 10, tableSize: 1_000 };
    const members = testMembers(100);
    expect(new Set(owners(make(members, undefined, options))).size).toBeGreaterThan(60);
    expect(new Set(owners(make(members, undefined, { ringSize: 1, tableSize: 1 }))).size).toBeGreaterThan(60);
  });
});
