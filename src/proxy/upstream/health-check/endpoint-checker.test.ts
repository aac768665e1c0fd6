/** When an endpoint is checked and what the results make of it, in virtual time. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../../kernel/index.ts";
import { EndpointChecker, type Prober } from "./endpoint-checker.ts";
import { ProbeSlots } from "./probe-slots.ts";
import { ProbedHealth } from "./probed-health.ts";
import type { HealthCheckSettings } from "./settings.ts";

const settings: HealthCheckSettings = {
  probe: { case: undefined },
  intervalMs: 10_000,
  timeoutMs: 1_000,
  thresholds: { healthy: 2, unhealthy: 3 },
};

class FakeProber implements Prober {
  started = 0;
  cancelled = 0;
  isClosed = false;
  /** Undefined: silent. */
  answer: "good" | "bad" | undefined = undefined;
  finish: (failure: string | undefined) => void = () => {};

  probe(_settings: HealthCheckSettings, done: (failure: string | undefined) => void) {
    this.started++;
    this.finish = done;
    if (this.answer !== undefined) done(this.answer === "good" ? undefined : "bad");
    return { cancel: () => void this.cancelled++ };
  }

  close(): void {
    this.isClosed = true;
  }
}

function setUp(options: { slots?: ProbeSlots; clock?: VirtualClock; random?: number } = {}) {
  const { slots = new ProbeSlots(8), clock = new VirtualClock(), random = 0.5 } = options;
  const prober = new FakeProber();
  const changes: string[] = [];
  const results: (string | undefined)[] = [];
  const checker = new EndpointChecker(settings, {
    prober,
    slots,
    clock,
    random: () => random,
    onProbed: (failure) => void results.push(failure),
    onChanged: (isHealthy, failure) => void changes.push(isHealthy ? "healthy" : failure),
  });
  return { clock, prober, checker, changes, results, slots };
}

test.each([
  ["+++", ""],
  ["---", "..U"],
  ["--+--+--", ""],
  ["---+-+-++", "..U.....H"],
  ["---++---", "..U.H..U"],
])("results %s change health %s", (results, expected) => {
  const health = new ProbedHealth();
  let changes = "";
  for (const result of results) {
    const changed = health.observe(result === "+", settings.thresholds);
    changes += changed ? (health.isHealthy ? "H" : "U") : ".";
  }
  expect(changes.replace(/\.+$/, "")).toBe(expected);
});

describe("EndpointChecker", () => {
  test("checks soon, then once in an interval that chance moves by a tenth", () => {
    const { clock, prober } = setUp({ random: 1 });
    prober.answer = "good";
    clock.advance(999);
    expect(prober.started).toBe(0);
    clock.advance(1);
    expect(prober.started).toBe(1);
    clock.advance(10_999);
    expect(prober.started).toBe(1);
    clock.advance(1);
    expect(prober.started).toBe(2);
  });

  test("silence is a failure, three of them are said with their cause, two good ones with none", () => {
    const { clock, prober, changes, results } = setUp();
    clock.advance(500 + 3 * 11_000);
    expect(changes).toEqual(["no answer within 1000 ms"]);
    expect(prober.cancelled).toBe(3);
    prober.answer = "good";
    clock.advance(22_000);
    expect(changes).toEqual(["no answer within 1000 ms", "healthy"]);
    expect(results.filter((each) => each === undefined)).toHaveLength(2);
  });

  test("what answers after its time is not heard", () => {
    const { clock, prober, results } = setUp();
    clock.advance(1_500);
    prober.finish(undefined);
    expect(results).toEqual(["no answer within 1000 ms"]);
  });

  test("no more than so many at once; the next one's turn comes with a result", () => {
    const slots = new ProbeSlots(1);
    const clock = new VirtualClock();
    const [a, b] = [setUp({ slots, clock }), setUp({ slots, clock })];
    clock.advance(500);
    expect([a.prober.started, b.prober.started]).toEqual([1, 0]);
    a.prober.finish(undefined);
    expect([a.prober.started, b.prober.started]).toEqual([1, 1]);
  });

  test.each(["waiting", "queued", "probing"])("stopped while %s it gives back what it holds", (when) => {
    const slots = new ProbeSlots(1);
    const clock = new VirtualClock();
    const first = setUp({ slots, clock });
    const second = setUp({ slots, clock });
    if (when !== "waiting") clock.advance(500);
    const stopped = when === "queued" ? second : first;
    const other = when === "queued" ? first : second;
    stopped.checker.stop();
    stopped.checker.stop();
    clock.advance(500);
    expect(stopped.prober.isClosed).toBe(true);
    expect(stopped.prober.cancelled).toBe(when === "probing" ? 1 : 0);
    expect(other.prober.started).toBe(1);
    other.prober.finish(undefined);
    clock.advance(10_000);
    expect(other.prober.started).toBe(2);
    expect(stopped.prober.started).toBe(when === "probing" ? 1 : 0);
  });
});
