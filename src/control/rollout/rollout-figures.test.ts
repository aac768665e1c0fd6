/** What proxies report, as figures of the group that is tried out on and of the others; and what is judged of them. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { bucketOf, VirtualClock } from "../../kernel/index.ts";
import { Aggregator } from "../../observe/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../../wire/index.ts";
import { judge } from "./judge.ts";
import { figuresFrom } from "./rollout-figures.ts";
import { recentWindows, windowCount } from "./windows.ts";

const identity = "spiffe://a.weft/ns/default/sa/web";

function setUp() {
  const clock = new VirtualClock(1_700_000_000_000);
  const aggregator = new Aggregator({ clock });
  const told = (edge: MessageInitShape<typeof EdgeDeltaSchema>): void => {
    const edges = [
      {
        ...{
          direction: Direction.OUTBOUND,
          sourceIdentity: identity,
          protocol: "http",
          responseClass: "2xx",
        },
        ...{ destinationService: "default/api", destinationPort: 80, ...edge },
      },
    ];
    void aggregator.receive(
      toBinary(TelemetryReportSchema, create(TelemetryReportSchema, { edges })),
      identity,
    );
  };
  /** So many that took so long, of which so many failed. */
  const requests = (sourceWorkload: string, count: number, ms: number, failures = 0): void => {
    for (const [responseClass, number] of [
      ["2xx", count - failures],
      ["5xx", failures],
    ] as const) {
      if (number === 0) continue;
      const us = ms * 1_000;
      const duration = { buckets: [bucketOf(us)], counts: [number], sumUs: BigInt(us * number) };
      told({ sourceWorkload, responseClass, count: BigInt(number), duration });
    }
  };
  return { clock, told, requests, figuresOf: figuresFrom(aggregator), slotMs: aggregator.detail.slotMs };
}

test("each group has what its own proxies reported between two moments, and nothing of the other side", () => {
  const { clock, told, requests, figuresOf } = setUp();
  requests("default/canary", 7, 10);
  clock.advance(10_000);
  const fromMs = clock.nowMs();
  requests("default/canary", 100, 10, 30);
  requests("default/other", 200, 10, 1);
  // What a server's proxy tells of a canary's requests is not the canary's own word.
  told({
    ...{
      direction: Direction.INBOUND,
      sourceWorkload: "default/canary",
      destinationWorkload: "default/other",
    },
    ...{ destinationIdentity: identity, count: 5n },
  });
  clock.advance(10_000);
  const span = { fromMs, toMs: clock.nowMs() };
  const canary = figuresOf(span, (workload) => workload === "default/canary");
  expect(canary).toMatchObject({ requests: 100, failures: 30 });
  expect(figuresOf(span, (workload) => workload === "default/other")).toMatchObject({
    requests: 205,
    failures: 1,
  });
  expect(figuresOf({ fromMs: fromMs - 10_000, toMs: fromMs }, () => true)).toMatchObject({ requests: 7 });
  expect(figuresOf(span, () => false)).toEqual({ requests: 0, failures: 0, p99Ms: 0 });
});

test("p99 and failures of real reports lead to the verdicts that they should", () => {
  const { clock, requests, figuresOf } = setUp();
  const fromMs = clock.nowMs();
  requests("default/slow", 400, 400);
  requests("default/failing", 400, 10, 100);
  requests("default/fine", 400, 10, 1);
  requests("default/few", 20, 10, 20);
  requests("default/other", 400, 10, 1);
  clock.advance(10_000);
  const of = (name: string) =>
    figuresOf({ fromMs, toMs: clock.nowMs() }, (workload) => workload === `default/${name}`);
  const before = { requests: 0, failures: 0, p99Ms: 0 };
  const verdictOf = (name: string) =>
    judge({
      ...{ canary: of(name), others: of("other"), before, rejection: undefined },
      recent: Array.from({ length: windowCount }, () => of(name)),
      ...{ elapsedMs: 60_000, watchMs: 60_000 },
    });
  expect(["slow", "failing", "fine", "few"].map((name) => verdictOf(name).what)).toEqual([
    "back",
    "back",
    "go",
    "watch",
  ]);
  expect(verdictOf("slow").reason).toStartWith("p99 is 4");
  expect(verdictOf("failing").reason).toStartWith("25.0 % of 400 requests failed; 0.3 % at the others");
});

const reportIntervalMs = 5_000;
const watchMs = 60_000;

/**
 * A step over proxies of which each has 20 requests a second and reports every five seconds, at a moment of its own. Of the verdicts, one
 * every five seconds, the first that is no "watch", and when it came.
 */
function watchStep(phaseMs: number, durationMs: (name: string, atMs: number) => number) {
  const { clock, requests, figuresOf, slotMs } = setUp();
  clock.advance(phaseMs);
  const startMs = clock.nowMs();
  const names = ["canary", "other-1", "other-2", "other-3"];
  const pending = new Map(names.map((name) => [name, new Map<number, number>()]));
  const report = (name: string): void => {
    for (const [ms, count] of pending.get(name) ?? []) requests(`default/${name}`, count, ms);
    pending.get(name)?.clear();
  };
  const isCanary = (workload: string): boolean => workload === "default/canary";
  for (let atMs = 50; atMs <= 4 * watchMs; atMs += 50) {
    clock.advance(50);
    for (const [index, name] of names.entries()) {
      const ms = durationMs(name, atMs);
      const counts = pending.get(name);
      counts?.set(ms, (counts.get(ms) ?? 0) + 1);
      if ((atMs + 1_300 * index) % reportIntervalMs === 0) report(name);
    }
    if (atMs % 5_000 !== 0) continue;
    const nowMs = clock.nowMs();
    const fromMs = Math.min(nowMs, startMs + reportIntervalMs);
    const windows = recentWindows({ nowMs, sinceMs: fromMs, watchMs, reportIntervalMs, slotMs });
    const verdict = judge({
      canary: figuresOf({ fromMs, toMs: nowMs }, isCanary),
      others: figuresOf({ fromMs, toMs: nowMs }, (workload) => !isCanary(workload)),
      before: { requests: 0, failures: 0, p99Ms: 0 },
      recent: windows.map((window) => figuresOf(window, isCanary)),
      ...{ rejection: undefined, elapsedMs: atMs, watchMs },
    });
    if (verdict.what !== "watch") return { ...verdict, atMs };
  }
  throw new Error("there was no verdict");
}

test("one pause of a canary's machine, whenever it is and for as long as a report takes, never sends it back", () => {
  for (const phaseMs of [0, 2_500, 4_950]) {
    for (let pauseMs = 500; pauseMs < watchMs; pauseMs += 4_700) {
      for (const lengthMs of [100, 4_000]) {
        // What begins in the pause ends with it.
        const inPause = (atMs: number): boolean => atMs >= pauseMs && atMs < pauseMs + lengthMs;
        const verdict = watchStep(phaseMs, (name, atMs) =>
          name === "canary" && inPause(atMs) ? 5 + pauseMs + lengthMs - atMs : 5,
        );
        expect({ phaseMs, pauseMs, lengthMs, what: verdict.what }).toEqual({
          ...{ phaseMs, pauseMs, lengthMs },
          what: "go",
        });
      }
    }
  }
});

test.each<[string, (atMs: number) => number]>([
  ["every request", () => 80],
  ["one in twenty", (atMs) => (atMs % 1_000 === 0 ? 400 : 5)],
])("what makes %s slow for good is back within a third of the time and 15 s", (_, durationMs) => {
  for (const phaseMs of [0, 50, 2_500, 4_950]) {
    const verdict = watchStep(phaseMs, (name, atMs) => (name === "canary" ? durationMs(atMs) : 5));
    expect(verdict.what).toBe("back");
    expect(verdict.reason).toStartWith("p99 is ");
    expect(verdict.atMs).toBeLessThanOrEqual(watchMs / 3 + 15_000);
  }
});
