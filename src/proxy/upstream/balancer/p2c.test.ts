/** Who gets the next request: distributions with a fixed seed, slow and failed members. */
import { describe, expect, test } from "bun:test";
import { PeakEwma } from "./peak-ewma.ts";
import { PeakEwmaBalancer } from "./peak-ewma-balancer.ts";
import { seeded, TestMember as Member } from "./test/test-member.ts";

function spread(members: Member[], picks: number, nowUs = 1_000_000): void {
  const balancer = new PeakEwmaBalancer(members);
  const random = seeded();
  for (let i = 0; i < picks; i++) {
    const member = balancer.pick(nowUs, random);
    if (member !== undefined) member.picked++;
  }
}

describe("PeakEwmaBalancer", () => {
  test("spreads evenly over members that nobody has measured", () => {
    const members = Array.from({ length: 5 }, () => new Member());
    spread(members, 10_000);
    for (const member of members) expect(Math.abs(member.picked - 2_000)).toBeLessThan(200);
  });

  test("gives nearly nothing to a slow member while others are fast", () => {
    const members = [new Member(), new Member(), new Member()];
    for (const [index, member] of members.entries()) member.latency.observe(index === 0 ? 500_000 : 1_000, 1);
    spread(members, 9_000);
    expect(members[0]?.picked).toBe(0);
    expect(members[1]?.picked ?? 0).toBeGreaterThan(4_000);
  });

  test("gives a slow member another chance when its peak has been forgotten", () => {
    const members = [new Member(), new Member()];
    const [slow, fast] = [members[0] ?? new Member(), members[1] ?? new Member()];
    slow.latency.observe(500_000, 1);
    fast.latency.observe(1_000, 70_000_000);
    spread(members, 1_000, 70_000_000);
    expect(slow.picked).toBe(1_000);
  });

  test("avoids the member with more in flight when latencies are equal", () => {
    const members = [new Member(), new Member()];
    for (const member of members) member.latency.observe(1_000, 1);
    const busy = members[0] ?? new Member();
    busy.inFlight = 10;
    spread(members, 1_000);
    expect(busy.picked).toBe(0);
  });

  test("a member without a measurement gets its share and no flood", () => {
    const members = [new Member(), new Member()];
    const [fresh, known] = [members[0] ?? new Member(), members[1] ?? new Member()];
    known.latency.observe(1_000, 1);
    spread(members, 1_000);
    expect(Math.abs(fresh.picked - 500)).toBeLessThan(80);
    fresh.picked = 0;
    fresh.inFlight = 1;
    spread(members, 1_000);
    expect(fresh.picked).toBe(0);
  });

  test("shares follow the weights while members are equally fast", () => {
    const members = [new Member(1), new Member(3)];
    spread(members, 8_000);
    expect(Math.abs((members[0]?.picked ?? 0) - 2_000)).toBeLessThan(250);
  });

  test("a member that failed comes last, and is used when nothing else is left", () => {
    const members = [new Member(), new Member(), new Member()];
    const [failed, other] = [members[0] ?? new Member(), members[1] ?? new Member()];
    failed.avoidUntilUs = 2_000_000;
    spread(members, 3_000);
    expect(failed.picked).toBe(0);
    const balancer = new PeakEwmaBalancer(members);
    const random = seeded();
    const rest = members.filter((member) => member !== failed);
    expect(balancer.pick(1_000_000, random, rest)).toBe(failed);
    expect(balancer.pick(1_000_000, random, [failed, other])).toBe(members[2]);
    expect(balancer.pick(1_000_000, random, members)).toBeUndefined();
    spread(members, 3_000, 2_000_001);
    expect(failed.picked).toBeGreaterThan(800);
  });

  test("has nothing to give when it has no members", () => {
    expect(new PeakEwmaBalancer<Member>([]).pick(0, seeded())).toBeUndefined();
  });
});

describe("PeakEwma", () => {
  test("jumps to a peak and comes down slowly", () => {
    const latency = new PeakEwma();
    latency.observe(1_000, 1_000_000);
    latency.observe(9_000, 1_000_001);
    expect(latency.estimateUs(1_000_001)).toBe(9_000);
    latency.observe(1_000, 2_000_001);
    expect(latency.estimateUs(2_000_001)).toBeGreaterThan(8_000);
    expect(latency.estimateUs(2_000_001)).toBeLessThan(9_000);
  });

  test("good answers make up for a peak, however soon they come", () => {
    const latency = new PeakEwma();
    latency.observe(100_000, 1_000_000);
    for (let i = 0; i < 60; i++) latency.observe(1_000, 1_000_000);
    expect(latency.estimateUs(1_000_000)).toBeLessThan(6_000);
    expect(latency.estimateUs(1_000_000)).toBeGreaterThan(5_000);
  });

  test("a failure is no sign of speed: each one doubles the estimate, up to a second", () => {
    const latency = new PeakEwma();
    latency.observe(10_000, 1_000_000);
    const estimates = [1, 2, 3, 20].map((failures) => {
      for (let i = 0; i < failures; i++) latency.observeFailure(false, 1_000_000);
      return latency.estimateUs(1_000_000);
    });
    expect(estimates).toEqual([20_000, 80_000, 640_000, 1_000_000]);
    latency.observe(5_000_000, 1_000_000);
    latency.observeFailure(false, 1_000_000);
    expect(latency.estimateUs(1_000_000)).toBe(5_000_000);
  });

  test("fast gateway errors do not make it look faster", () => {
    const latency = new PeakEwma();
    latency.observe(10_000, 1_000_000);
    for (let i = 0; i < 100; i++) {
      latency.observe(100, 1_000_000);
      latency.observeFailure(true, 1_000_000);
    }
    expect(latency.estimateUs(1_000_000)).toBeGreaterThan(10_000);
    expect(latency.estimateUs(1_000_000)).toBeLessThan(12_000);
  });

  test("decays by 63 % in ten seconds without observations", () => {
    const latency = new PeakEwma();
    latency.observe(10_000, 1);
    expect(latency.estimateUs(10_000_001)).toBeCloseTo(10_000 / Math.E, 0);
  });
});
