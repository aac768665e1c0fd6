/** A member that is avoided for its slowness is asked again by and by, and by few requests. */
import { expect, test } from "bun:test";
import { PeakEwmaBalancer } from "./peak-ewma-balancer.ts";
import { picksPerProbe, Probing } from "./probing.ts";
import { alwaysJudged } from "./balancer.ts";
import { seeded, type TestMember, testMembers } from "./test/test-member.ts";

/** Requests one after another at a rate; gives how many each member got. */
function serve(members: readonly TestMember[], seconds: number, perSecond: number): number[] {
  const balancer = new PeakEwmaBalancer(members);
  const random = seeded();
  const before = members.map(({ picked }) => picked);
  for (let i = 0; i < seconds * perSecond; i++) {
    const nowUs = 10_000_000 + Math.round((i * 1_000_000) / perSecond);
    const member = balancer.pick(nowUs, random);
    if (member === undefined) throw new Error("nobody was picked");
    member.picked++;
    member.latency.observe(member === members[0] ? 300_000 : 5_000, nowUs);
  }
  return members.map(({ picked }, index) => picked - (before[index] ?? 0));
}

test("a member sixty times as slow is asked often enough to be told by its answers, and by a two-hundredth at most", () => {
  for (const count of [2, 3, 10, 40]) {
    const [slow = 0] = serve(testMembers(count), 60, 50);
    expect(slow).toBeGreaterThanOrEqual(5);
    expect(slow).toBeLessThanOrEqual((60 * 50) / picksPerProbe + 2);
  }
});

test("a member is probed once it has not been asked for five seconds, and not before", () => {
  const [fast] = testMembers(1);
  if (fast === undefined) throw new Error("there is no member");
  const probing = new Probing([fast], alwaysJudged);
  const probed = (observedUs: number): boolean => {
    fast.latency.observe(5_000, observedUs);
    const found = Array.from({ length: picksPerProbe }, () => probing.next(10_000_000, () => 0));
    return found.includes(fast);
  };
  expect([probed(6_000_000), probed(4_000_000)]).toEqual([false, true]);
});

test("of several the longest silent is probed; what is in flight, not fit, not measured or of no weight never", () => {
  const members = testMembers(7);
  const probing = new Probing(members, alwaysJudged);
  for (const [index, member] of members.entries()) member.latency.observe(5_000, 1_000_000 + index);
  const [waiting, ejected, failed, weightless, longest] = members;
  if (waiting === undefined || ejected === undefined || failed === undefined) throw new Error("no members");
  if (weightless === undefined || longest === undefined) throw new Error("no members");
  waiting.inFlight = 1;
  ejected.ejectedUntilUs = 60_000_000;
  failed.avoidUntilUs = 60_000_000;
  weightless.weight = 0;
  for (let i = 1; i < picksPerProbe; i++) expect(probing.next(20_000_000, () => 0)).toBeUndefined();
  expect(probing.next(20_000_000, () => 0)).toBe(longest);
});

test("a try that comes after another is no probe", () => {
  const members = testMembers(2);
  for (const [index, member] of members.entries()) member.latency.observe(index === 0 ? 300_000 : 5_000, 1);
  const [slow, fast] = members;
  if (slow === undefined || fast === undefined) throw new Error("no members");
  const balancer = new PeakEwmaBalancer(members);
  const random = seeded();
  const picked = Array.from({ length: 10 * picksPerProbe }, () => balancer.pick(6_000_000, random, [slow]));
  expect(new Set(picked)).toEqual(new Set([fast]));
});
