/** Who is ejected, for how long, and how many at most. Time is moved by hand. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { OutlierDetectionSchema } from "../../../model/index.ts";
import { OutlierDetector } from "./detector.ts";
import type { EjectionReason, EndpointOutcomes, OutlierMember } from "./endpoint-outcomes.ts";
import { statusOfGrpc } from "./grpc-outcome.ts";
import { outlierSettings } from "./settings.ts";

const second = 1_000_000;

class Member implements OutlierMember {
  readonly workload: string;
  readonly weight: number;
  ejectedUntilUs = 0;
  outcomes: EndpointOutcomes | undefined = undefined;
  constructor(name: string, weight = 1) {
    this.workload = `default/${name}`;
    this.weight = weight;
  }
  answer(status: number, times: number, nowUs: number): void {
    for (let i = 0; i < times; i++) this.outcomes?.recordStatus(status, nowUs);
  }
  lose(times: number, nowUs: number): void {
    for (let i = 0; i < times; i++) this.outcomes?.recordLocalFailure(nowUs);
  }
}

function setUp(count: number, policy?: MessageInitShape<typeof OutlierDetectionSchema>) {
  const settings = outlierSettings(policy === undefined ? undefined : create(OutlierDetectionSchema, policy));
  if (settings === undefined) throw new Error("off");
  const ejected: [string, EjectionReason, number][] = [];
  const prevented: string[] = [];
  const detector = new OutlierDetector(
    settings,
    {
      onEjected: (member, reason, forUs) => void ejected.push([member.workload, reason, forUs / second]),
      onEjectionPrevented: (member) => void prevented.push(member.workload),
    },
    0,
  );
  const members = Array.from({ length: count }, (_, i) => new Member(`m${i}`));
  detector.follow(members, settings);
  const member = (index: number): Member => members[index] ?? new Member("none");
  return { detector, settings, members, member, ejected, prevented };
}

describe("a row of failures", () => {
  test.each<[string, (member: Member) => void, EjectionReason | undefined]>([
    ["5 answers of 503", (m) => m.answer(503, 5, 0), "consecutive_gateway_errors"],
    ["4 answers of 503", (m) => m.answer(503, 4, 0), undefined],
    [
      "502, 503 and 504 mixed",
      (m) => [502, 503, 504, 502, 503].forEach((s) => m.answer(s, 1, 0)),
      "consecutive_gateway_errors",
    ],
    [
      "a good one in between",
      (m) => [503, 503, 200, 503, 503, 503].forEach((s) => m.answer(s, 1, 0)),
      undefined,
    ],
    ["a 500 in between", (m) => [503, 503, 500, 503, 503, 503].forEach((s) => m.answer(s, 1, 0)), undefined],
    ["any number of 500, which nobody asked to look at", (m) => m.answer(500, 50, 0), undefined],
    ["5 resets", (m) => m.lose(5, 0), "consecutive_local_failures"],
    [
      "resets with an answer between them",
      (m) => {
        m.lose(4, 0);
        m.answer(200, 1, 0);
        m.lose(4, 0);
      },
      undefined,
    ],
  ])("by default: %s", (_name, act, reason) => {
    const { member, ejected } = setUp(3);
    act(member(0));
    expect(ejected).toEqual(reason === undefined ? [] : [["default/m0", reason, 30]]);
  });

  test("of any server errors counts where a policy says so", () => {
    const { member, ejected } = setUp(3, { consecutive5xx: 3 });
    member(0).answer(500, 2, 0);
    member(0).answer(503, 1, 0);
    expect(ejected).toEqual([["default/m0", "consecutive_5xx", 30]]);
    member(1).lose(100, 0);
    expect(ejected).toHaveLength(1);
  });

  test("is not looked at where everything is off", () => {
    expect(outlierSettings(create(OutlierDetectionSchema, {}))).toBeUndefined();
  });

  test("a TCP connection that stands ends a row of those that did not", () => {
    const { member, ejected } = setUp(3);
    member(0).lose(4, 0);
    member(0).outcomes?.recordConnected();
    member(0).lose(4, 0);
    expect(ejected).toEqual([]);
  });
});

describe("an ejection", () => {
  test("lasts longer each time, up to a bound, and is lived down again", () => {
    const policy = { consecutive5xx: 1, baseEjectionMs: 1_000, maxEjectionMs: 2_500, intervalMs: 10_000 };
    const { detector, member, ejected } = setUp(2, policy);
    let nowUs = 0;
    for (let i = 0; i < 4; i++) {
      member(0).answer(500, 1, nowUs);
      nowUs = member(0).ejectedUntilUs;
    }
    expect(ejected.map(([, , seconds]) => seconds)).toEqual([1, 2, 2.5, 2.5]);
    for (let i = 1; i <= 4; i++) detector.tick(nowUs + i * 10 * second);
    member(0).answer(500, 1, nowUs + 41 * second);
    expect(ejected.at(-1)?.[2]).toBe(1);
  });

  test("what ends badly while it lasts changes nothing", () => {
    const { member, ejected } = setUp(4);
    member(0).answer(503, 5, 0);
    const untilUs = member(0).ejectedUntilUs;
    member(0).answer(503, 20, second);
    expect(ejected).toHaveLength(1);
    expect(member(0).ejectedUntilUs).toBe(untilUs);
  });

  test("never takes the only endpoint", () => {
    const { member, ejected, prevented } = setUp(1);
    member(0).answer(503, 5, 0);
    expect(ejected).toEqual([]);
    expect(prevented).toEqual(["default/m0"]);
  });

  test("an endpoint without a weight is no second one", () => {
    const { detector, settings } = setUp(0);
    const members = [new Member("a"), new Member("b", 0)];
    detector.follow(members, settings);
    members[0]?.answer(503, 5, 0);
    expect(members[0]?.ejectedUntilUs).toBe(0);
  });

  test.each([
    [2, 10, 1],
    [10, 10, 1],
    [10, 50, 5],
    [10, 100, 10],
    [3, 50, 1],
    [100, 33, 33],
  ])("of %i endpoints with at most %i %%: %i", (count, maxEjectedPercent, expected) => {
    const { detector, members, ejected, prevented } = setUp(count, { consecutive5xx: 1, maxEjectedPercent });
    for (const member of members) member.answer(500, 1, 0);
    expect(ejected).toHaveLength(expected);
    expect(prevented).toHaveLength(count - expected);
    expect(detector.ejectedCount(0)).toBe(expected);
  });

  test("makes room for the next when it ends", () => {
    const { detector, member, ejected } = setUp(2);
    member(0).answer(503, 5, 0);
    member(1).answer(503, 5, 29 * second);
    expect(detector.ejectedCount(29 * second)).toBe(1);
    expect(detector.ejectedCount(30 * second)).toBe(0);
    member(1).answer(503, 5, 30 * second);
    expect(ejected.map(([name]) => name)).toEqual(["default/m0", "default/m1"]);
  });

  test("ends with the policy, and goes with an endpoint that goes", () => {
    const { detector, settings, members, member } = setUp(4);
    member(0).answer(503, 5, 0);
    member(1).answer(503, 5, 0);
    detector.follow(members.slice(1), settings);
    expect(detector.ejectedCount(0)).toBe(1);
    detector.stop();
    expect(member(1).ejectedUntilUs).toBe(0);
    expect(member(1).outcomes).toBeUndefined();
  });

  test("of another process is taken over within the same bound", () => {
    const { detector, member, ejected } = setUp(4);
    expect(detector.adopt(member(0), 30 * second, 0)).toBe(true);
    expect(detector.adopt(member(0), 30 * second, 0)).toBe(false);
    expect(detector.adopt(member(1), 30 * second, 0)).toBe(true);
    expect(detector.adopt(member(2), 30 * second, 0)).toBe(false);
    expect(detector.ejectedCount(0)).toBe(2);
    expect(ejected).toEqual([]);
  });
});

describe("compared with the others", () => {
  const policy = {
    successRateDeviationHundredths: 190,
    successRateMinRequests: 100,
    successRateMinHosts: 5,
    maxEjectedPercent: 50,
    intervalMs: 10_000,
  };

  test("the one that succeeds much less often goes", () => {
    const { detector, members, member, ejected } = setUp(6, policy);
    for (const each of members) each.answer(200, 98, 0);
    for (const each of members) each.answer(500, 2, 0);
    member(3).answer(500, 60, 0);
    detector.tick(9 * second);
    expect(ejected).toEqual([]);
    detector.tick(10 * second);
    expect(ejected).toEqual([["default/m3", "success_rate", 30]]);
  });

  test("nobody goes where all are equally bad, or too few have been asked", () => {
    const bad = setUp(6, policy);
    for (const each of bad.members) each.answer(500, 70, 0);
    for (const each of bad.members) each.answer(200, 50, 0);
    bad.detector.tick(10 * second);
    expect(bad.ejected).toEqual([]);
    const few = setUp(4, policy);
    for (const each of few.members) each.answer(200, 100, 0);
    few.member(0).answer(500, 100, 0);
    few.detector.tick(10 * second);
    expect(few.ejected).toEqual([]);
    const quiet = setUp(6, policy);
    for (const each of quiet.members) each.answer(200, 99, 0);
    quiet.member(0).answer(500, 900, 0);
    quiet.detector.tick(10 * second);
    expect(quiet.ejected).toEqual([]);
  });

  test("each interval is judged alone", () => {
    const { detector, members, member, ejected } = setUp(6, policy);
    for (const each of members) each.answer(200, 60, 0);
    member(0).answer(500, 60, 0);
    detector.tick(10 * second);
    for (const each of members) each.answer(200, 60, 11 * second);
    member(0).answer(500, 60, 11 * second);
    detector.tick(20 * second);
    expect(ejected).toEqual([]);
  });

  test("the one whose median latency is a multiple of the others' goes, the slowest first", () => {
    const { detector, members, ejected } = setUp(8, { latencyFactorHundredths: 300, maxEjectedPercent: 13 });
    for (const [index, each] of members.entries()) {
      const us = index === 2 ? 80_000 : index === 5 ? 50_000 : 10_000 + index * 100;
      for (let i = 0; i < 50; i++) each.outcomes?.recordLatency(us);
    }
    detector.tick(10 * second);
    expect(ejected).toEqual([["default/m2", "latency", 30]]);
  });

  test("a factor of next to nothing is noise", () => {
    const { detector, members, ejected } = setUp(5, { latencyFactorHundredths: 200 });
    for (const [index, each] of members.entries()) {
      for (let i = 0; i < 50; i++) each.outcomes?.recordLatency(index === 0 ? 900 : 200);
    }
    detector.tick(10 * second);
    expect(ejected).toEqual([]);
  });
});

test.each([
  [0, 200],
  [14, 503],
  [13, 500],
  [2, 500],
  [15, 500],
  [4, 500],
  [12, 200],
  [8, 200],
  [1, 200],
  [5, 200],
])("gRPC status %i counts as %i", (grpc, http) => {
  expect(statusOfGrpc(grpc)).toBe(http);
});
