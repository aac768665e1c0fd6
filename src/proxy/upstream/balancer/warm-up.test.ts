/** Slow start: who gets less, how much, and for how long. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BalancingAlgorithm, BalancingSchema, SlowStartSchema } from "../../../model/index.ts";
import { ClusterPicker } from "./cluster-picker.ts";
import { seeded, TestMember, testMembers } from "./test/test-member.ts";
import { WarmUp } from "./warm-up.ts";

const startUs = 1_000_000_000;
const windowMs = 10_000;
const own = { region: "", zone: "" };

function picker(
  members: TestMember[],
  nowUs: number,
  previous?: ClusterPicker<TestMember>,
  algorithm = BalancingAlgorithm.RANDOM,
): ClusterPicker<TestMember> {
  const balancing = create(BalancingSchema, { algorithm, slowStart: { windowMs, minPercent: 10 } });
  const settings = { balancing, locality: undefined, own };
  return new ClusterPicker({ usable: members, unhealthy: [] }, settings, nowUs, previous);
}

/** Share of `member` among `picks`. */
function shareOf(from: ClusterPicker<TestMember>, member: TestMember, nowUs: number, picks = 20_000): number {
  const random = seeded();
  let picked = 0;
  for (let i = 0; i < picks; i++) if (from.pick(nowUs, random) === member) picked++;
  return picked / picks;
}

describe("WarmUp", () => {
  test("the share grows over the window, slower at first with an aggression above 1", () => {
    const shares = (init: MessageInitShape<typeof SlowStartSchema>) => {
      const warmUp = WarmUp.of(create(SlowStartSchema, { windowMs: 1_000, ...init }));
      const member = new TestMember();
      member.warmth.sinceUs = startUs;
      return [0, 50, 250, 500, 999, 1_000].map((ms) =>
        Number(warmUp?.share(member, startUs + ms * 1_000).toFixed(3)),
      );
    };
    expect(shares({ minPercent: 5 })).toEqual([0.05, 0.05, 0.25, 0.5, 0.999, 1]);
    expect(shares({ minPercent: 20, aggressionHundredths: 200 })).toEqual([0.2, 0.2, 0.2, 0.25, 0.998, 1]);
    expect(shares({})).toEqual([0.1, 0.1, 0.25, 0.5, 0.999, 1]);
  });

  test("without a window there is none", () => {
    expect(WarmUp.of(undefined)).toBeUndefined();
    expect(WarmUp.of(create(SlowStartSchema, { minPercent: 10 }))).toBeUndefined();
  });

  test("a proxy that has just started treats all alike", () => {
    const members = testMembers(4);
    const first = picker(members, startUs);
    for (const member of members) expect(Math.abs(shareOf(first, member, startUs) - 0.25)).toBeLessThan(0.02);
    // Nothing but members of which none was there before is a start, too.
    const others = testMembers(4);
    const second = picker(others, startUs, first);
    for (const member of others) expect(Math.abs(shareOf(second, member, startUs) - 0.25)).toBeLessThan(0.02);
  });

  test.each([
    BalancingAlgorithm.RANDOM,
    BalancingAlgorithm.ROUND_ROBIN,
    BalancingAlgorithm.LEAST_REQUEST,
    BalancingAlgorithm.PEAK_EWMA,
  ])("a member that joins gets its share little by little (algorithm %i)", (algorithm) => {
    const members = testMembers(5);
    const fresh = members[4] ?? new TestMember();
    const first = picker(members.slice(0, 4), startUs, undefined, algorithm);
    const second = picker(members, startUs, first, algorithm);
    expect(shareOf(second, fresh, startUs)).toBeLessThan(0.05);
    expect(shareOf(second, fresh, startUs)).toBeGreaterThan(0.005);
    const half = shareOf(second, fresh, startUs + (windowMs * 1_000) / 2);
    expect(half).toBeGreaterThan(0.07);
    expect(half).toBeLessThan(0.16);
    expect(Math.abs(shareOf(second, fresh, startUs + windowMs * 1_000) - 0.2)).toBeLessThan(0.02);
  });

  test("a change of something else does not begin it anew", () => {
    const members = testMembers(5);
    const first = picker(members.slice(0, 4), startUs);
    const second = picker(members, startUs, first);
    const third = picker(members, startUs + (windowMs * 1_000) / 2, second);
    expect(shareOf(third, members[4] ?? new TestMember(), startUs + windowMs * 1_000)).toBeGreaterThan(0.18);
  });

  test("one that was ejected starts slowly when it comes back", () => {
    const members = testMembers(4);
    const back = members[0] ?? new TestMember();
    const balanced = picker(members, startUs);
    back.ejectedUntilUs = startUs + 1_000_000;
    expect(shareOf(balanced, back, startUs + 500_000)).toBe(0);
    expect(shareOf(balanced, back, startUs + 1_000_000)).toBeLessThan(0.06);
    expect(shareOf(balanced, back, startUs + 12_000_000)).toBeGreaterThan(0.22);
  });

  test("one that the control plane had called unhealthy does too", () => {
    const members = testMembers(4);
    const ill = members[3] ?? new TestMember();
    const settings = {
      balancing: create(BalancingSchema, { algorithm: BalancingAlgorithm.RANDOM, slowStart: { windowMs } }),
      locality: undefined,
      own,
    };
    const first = picker(members, startUs);
    const second = new ClusterPicker(
      { usable: members.slice(0, 3), unhealthy: [ill] },
      settings,
      startUs,
      first,
    );
    second.pick(startUs, seeded());
    expect(shareOf(picker(members, startUs + 1, second), ill, startUs + 1)).toBeLessThan(0.06);
  });

  test("where all others are gone, one that is warming up takes everything", () => {
    const members = testMembers(2);
    const first = picker(members.slice(0, 1), startUs);
    const second = picker(members, startUs, first);
    const [old, fresh] = members;
    if (old !== undefined) old.avoidUntilUs = startUs + 1_000;
    expect(shareOf(second, fresh ?? new TestMember(), startUs, 500)).toBe(1);
  });
});
