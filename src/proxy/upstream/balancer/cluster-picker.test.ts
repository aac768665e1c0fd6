/** Which endpoint of which place: nearness, shares, priorities, panic, the load valve, sessions. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BalancingAlgorithm, BalancingSchema, LocalitySchema } from "../../../model/index.ts";
import { ClusterPicker } from "./cluster-picker.ts";
import { randomHash } from "./hash.ts";
import { sessionId } from "./session-id.ts";
import { seeded, TestMember, testMembers } from "./test/test-member.ts";

const nowUs = 1_000_000_000;
const home = { region: "eu", zone: "a" };

interface Options {
  readonly locality?: MessageInitShape<typeof LocalitySchema>;
  readonly balancing?: MessageInitShape<typeof BalancingSchema>;
  readonly own?: typeof home;
  readonly unhealthy?: TestMember[];
}

function picker(usable: TestMember[], options: Options = {}): ClusterPicker<TestMember> {
  return new ClusterPicker(
    { usable, unhealthy: options.unhealthy ?? [] },
    {
      balancing: create(BalancingSchema, options.balancing ?? {}),
      locality: options.locality === undefined ? undefined : create(LocalitySchema, options.locality),
      own: options.own ?? home,
    },
    nowUs,
  );
}

function at(place: string, count: number, priority = 0): TestMember[] {
  const [region = "", zone = ""] = place.split("/");
  return Array.from(
    { length: count },
    (_, index) => new TestMember(1, `${place}-${priority}-${index}`, { region, zone, priority }),
  );
}

/** Share of each place in percent. */
function places(from: ClusterPicker<TestMember>, picks = 5_000, atUs = nowUs): Record<string, number> {
  const random = seeded();
  const counts: Record<string, number> = {};
  for (let i = 0; i < picks; i++) {
    const member = from.pick(atUs, random);
    const place = member === undefined ? "nobody" : member.key.replace(/-\d+$/, "");
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return Object.fromEntries(
    Object.entries(counts).map(([place, count]) => [place, Math.round((count * 100) / picks)]),
  );
}

function eject(members: readonly TestMember[], count: number): void {
  for (const member of members.slice(0, count)) member.ejectedUntilUs = nowUs + 3_600_000_000;
}

describe("ClusterPicker", () => {
  test("where it is not known where this proxy runs, nobody is near", () => {
    const all = [...at("eu/a", 1), ...at("us/x", 1)];
    expect(places(picker(all, { own: { region: "", zone: "" } }), 50_000)).toEqual({
      "eu/a-0": 50,
      "us/x-0": 50,
    });
  });

  test("same zone, then same region, then the failover order, then the rest", () => {
    const zone = at("eu/a", 2);
    const region = at("eu/b", 2);
    const [us, asia, africa] = [at("us/x", 2), at("asia/x", 2), at("africa/x", 2)];
    const all = [...africa, ...us, ...asia, ...region, ...zone];
    const locality = { preferSameZone: true, failover: [{ from: "eu", to: ["asia", "us"] }] };
    const order = picker(all, { locality });
    expect(places(order, 500)).toEqual({ "eu/a-0": 100 });
    let atUs = nowUs;
    for (const [gone, next] of [
      [zone, "eu/b"],
      [region, "asia/x"],
      [asia, "us/x"],
      [us, "africa/x"],
    ] as const) {
      eject(gone, 2);
      atUs += 1_000_000;
      expect(places(order, 500, atUs)).toEqual({ [`${next}-0`]: 100 });
    }
  });

  test("the same name of a zone in another region is another zone", () => {
    expect(places(picker([...at("eu/a", 1), ...at("us/a", 5)]), 500)).toEqual({ "eu/a-0": 100 });
  });

  test("without the preference nearness has no part, but failover regions do", () => {
    const all = [...at("eu/a", 1), ...at("eu/b", 1), ...at("us/x", 1)];
    const shares = Object.values(places(picker(all, { locality: {} }), 50_000));
    expect(shares.every((share) => Math.abs(share - 33) <= 1)).toBe(true);
    const locality = { failover: [{ from: "eu", to: ["us"] }] };
    expect(places(picker(all, { locality }), 50_000)).toEqual({ "eu/a-0": 50, "eu/b-0": 50 });
  });

  test("the next zone takes what the near one has no fit endpoints for", () => {
    const [near, far] = [at("eu/a", 10), at("eu/b", 10)];
    eject(near, 5);
    const found = places(picker([...near, ...far]), 20_000);
    expect(Math.abs((found["eu/a-0"] ?? 0) - 71)).toBeLessThanOrEqual(1);
    const strict = places(
      picker([...near, ...far], { locality: { preferSameZone: true, minFitPercent: 100 } }),
      60_000,
    );
    expect(Math.abs((strict["eu/a-0"] ?? 0) - 50)).toBeLessThanOrEqual(1);
  });

  test("endpoints that the control plane took out count as not fit", () => {
    const [near, far] = [at("eu/a", 10), at("eu/b", 10)];
    const found = places(picker([...near.slice(0, 2), ...far], { unhealthy: near.slice(2) }), 20_000);
    expect(Math.abs((found["eu/a-0"] ?? 0) - 29)).toBeLessThanOrEqual(1);
  });

  test("a zone that fails between two counts costs no request", () => {
    const [near, far] = [at("eu/a", 2), at("eu/b", 2)];
    const balanced = picker([...near, ...far]);
    expect(places(balanced, 10)).toEqual({ "eu/a-0": 100 });
    eject(near, 2);
    expect(places(balanced, 500)).toEqual({ "eu/b-0": 100 });
  });

  test("the operator's shares take the place of nearness, the most specific ones for this proxy", () => {
    const all = [...at("eu/a", 2), ...at("eu/b", 2), ...at("us/x", 2)];
    const weights = [
      { from: "*", to: "us", weight: 1 },
      { from: "eu", to: "eu", weight: 1 },
      { from: "eu/a", to: "eu/b", weight: 80 },
      { from: "eu/a", to: "us", weight: 20 },
    ];
    expect(places(picker(all, { locality: { weights } }), 20_000)).toEqual({ "eu/b-0": 80, "us/x-0": 20 });
    const elsewhere = { region: "asia", zone: "z" };
    expect(places(picker(all, { locality: { weights }, own: elsewhere }), 500)).toEqual({ "us/x-0": 100 });
  });

  test("what has no share gets requests when nothing that has one is fit", () => {
    const [shared, rest] = [at("eu/b", 2), at("us/x", 2)];
    const weights = [{ from: "eu", to: "eu/b", weight: 1 }];
    const balanced = picker([...shared, ...rest], { locality: { weights } });
    expect(places(balanced, 100)).toEqual({ "eu/b-0": 100 });
    eject(shared, 2);
    expect(places(balanced, 100, nowUs + 1_000_000)).toEqual({ "us/x-0": 100 });
  });

  test("the lowest priority that can takes the requests, whatever is nearer", () => {
    const [first, second] = [at("us/x", 4, 0), at("eu/a", 4, 1)];
    const balanced = picker([...second, ...first]);
    expect(places(balanced, 500)).toEqual({ "us/x-0": 100 });
    eject(first, 4);
    expect(places(balanced, 500, nowUs + 1_000_000)).toEqual({ "eu/a-1": 100 });
  });

  test("fewer fit than the panic threshold: all are used, but not who just failed to connect", () => {
    const members = testMembers(10);
    const balancing = { algorithm: BalancingAlgorithm.RANDOM };
    eject(members, 6);
    const unreachable = members[0] ?? new TestMember();
    unreachable.avoidUntilUs = nowUs + 3_600_000_000;
    const picked = (from: ClusterPicker<TestMember>) => {
      const random = seeded();
      return new Set(Array.from({ length: 500 }, () => from.pick(nowUs, random)));
    };
    expect(picked(picker(members, { balancing }))).toEqual(new Set(members.slice(1)));
    expect(picked(picker(members, { balancing: { ...balancing, panicPercent: 40 } }))).toEqual(
      new Set(members.slice(6)),
    );
  });

  test("tried endpoints of the near zone are not tried again while there are farther ones", () => {
    const [near, far] = [at("eu/a", 2), at("eu/b", 2)];
    const balanced = picker([...near, ...far]);
    expect(far).toContain(balanced.pick(nowUs, seeded(), near) ?? new TestMember());
    expect(balanced.pick(nowUs, seeded(), [...near, ...far])).toBeUndefined();
    expect(picker([]).pick(nowUs, seeded())).toBeUndefined();
  });

  describe("load valve", () => {
    const setUp = (nearUs: number, farUs: number | undefined) => {
      const [near, far] = [at("eu/a", 3), at("eu/b", 3)];
      const balanced = picker([...near, ...far]);
      for (const member of near) member.latency.observe(2_000, 1);
      places(balanced, 1);
      for (const member of near) member.latency.observe(nearUs, nowUs);
      if (farUs !== undefined) for (const member of far) member.latency.observe(farUs, nowUs);
      return { balanced, near, far };
    };

    test("a zone that is far slower than it was gives requests away, first to see how the others are", () => {
      expect(places(setUp(200_000, undefined).balanced, 500)).toEqual({ "eu/b-0": 100 });
      expect(places(setUp(200_000, 5_000).balanced, 500)).toEqual({ "eu/b-0": 100 });
    });

    test("it keeps them where the others are no better, or it is only a little slower", () => {
      expect(places(setUp(200_000, 100_000).balanced, 500)).toEqual({ "eu/a-0": 100 });
      expect(places(setUp(12_000, 1_000).balanced, 500)).toEqual({ "eu/a-0": 100 });
    });

    test("a queue at each near endpoint gives requests away until the others are as busy in proportion", () => {
      const { balanced, near, far } = setUp(2_000, 2_000);
      for (const member of near) member.inFlight = 100;
      expect(places(balanced, 500)).toEqual({ "eu/b-0": 100 });
      for (const member of far) member.inFlight = 30;
      expect(places(balanced, 500)).toEqual({ "eu/a-0": 100 });
    });

    test("connections that live for days are no queue", () => {
      const [near, far] = [at("eu/a", 2), at("eu/b", 2)];
      for (const member of near) member.inFlight = 1_000;
      expect(places(picker([...near, ...far]), 500)).toEqual({ "eu/a-0": 100 });
    });
  });

  test("a key stays in the zone that its hash chose, and moves no more than it must", () => {
    const [near, far] = [at("eu/a", 10), at("eu/b", 10)];
    eject(near, 5);
    const balancing = {
      algorithm: BalancingAlgorithm.RING_HASH,
      hashKeys: [{ key: { case: "header" as const, value: "x" } }],
    };
    const balanced = picker([...near, ...far], { balancing });
    expect(balanced.readsRequest).toBe(true);
    const random = seeded();
    for (let key = 0; key < 200; key++) {
      const hash = randomHash(seeded(key * 7_919));
      const owner = balanced.pick(nowUs, random, [], { hash: () => hash });
      for (let i = 0; i < 5; i++) expect(balanced.pick(nowUs, random, [], { hash: () => hash })).toBe(owner);
    }
  });

  test("nothing of the request is read where nothing is hashed", () => {
    const balancing = { hashKeys: [{ key: { case: "header" as const, value: "x" } }] };
    const balanced = picker([...at("eu/a", 2), ...at("eu/b", 2)], { balancing });
    expect(balanced.readsRequest).toBe(false);
    const request = {
      hash(): number {
        throw new Error("read");
      },
    };
    expect(balanced.pick(nowUs, seeded(), [], request)).toBeDefined();
  });

  test("finds the endpoint of a session while it is fit", () => {
    const members = at("eu/a", 3);
    const balanced = picker(members);
    const member = members[1] ?? new TestMember();
    const id = sessionId(member.key);
    expect(balanced.ofSession(id, nowUs)).toBe(member);
    expect(balanced.ofSession(id, nowUs, [member])).toBeUndefined();
    expect(balanced.ofSession("0000000000000000", nowUs)).toBeUndefined();
    member.ejectedUntilUs = nowUs + 1;
    expect(balanced.ofSession(id, nowUs)).toBeUndefined();
  });
});
