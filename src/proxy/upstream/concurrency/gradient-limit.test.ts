/** A server with a number of workers and a queue, in virtual time, behind the limit that is learned of it. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { AdaptiveConcurrencySchema } from "../../../model/index.ts";
import { refusal } from "./endpoint-concurrency.ts";
import { GradientLimit, gradientSettings } from "./gradient-limit.ts";
import { shareOf } from "./priority.ts";

const settings = gradientSettings(create(AdaptiveConcurrencySchema, { min: 3, max: 500 }));

interface Load {
  /** Requests that one after another arrive in a second; evenly. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Serves `workers` requests at once, each in `serviceMs`; the others wait in its queue. */
class Simulation {
  nowUs = 0;
  workers: number;
  serviceMs: number;
  readonly limit: GradientLimit;
  readonly #freeAtUs: number[];
  readonly #inFlight: { readonly startUs: number; readonly endUs: number }[] = [];
  admitted = 0;
  refused = 0;
  slowestMs = 0;

  constructor(workers: number, serviceMs: number, limit = new GradientLimit(settings, 0)) {
    this.workers = workers;
    this.serviceMs = serviceMs;
    this.limit = limit;
    this.#freeAtUs = Array.from({ length: workers }, () => 0);
  }

  run({ perSecond, seconds }: Load): this {
    this.admitted = 0;
    this.refused = 0;
    this.slowestMs = 0;
    const endUs = this.nowUs + seconds * 1_000_000;
    const stepUs = 1_000_000 / perSecond;
    for (; this.nowUs < endUs; this.nowUs += stepUs) this.#arrive();
    return this;
  }

  #arrive(): void {
    while ((this.#inFlight[0]?.endUs ?? Infinity) <= this.nowUs) {
      const done = this.#inFlight.shift();
      if (done === undefined) break;
      this.limit.observe(done.endUs - done.startUs, done.endUs);
    }
    if (!this.limit.admits(this.#inFlight.length + 1, 1)) {
      this.refused++;
      return;
    }
    this.admitted++;
    let worker = 0;
    for (let i = 1; i < this.workers; i++) {
      if ((this.#freeAtUs[i] ?? 0) < (this.#freeAtUs[worker] ?? 0)) worker = i;
    }
    const beginUs = Math.max(this.nowUs, this.#freeAtUs[worker] ?? 0);
    const endUs = beginUs + this.serviceMs * 1_000;
    this.#freeAtUs[worker] = endUs;
    this.#inFlight.push({ startUs: this.nowUs, endUs });
    this.slowestMs = Math.max(this.slowestMs, (endUs - this.nowUs) / 1_000);
  }
}

describe("GradientLimit", () => {
  test("grows to what the server can do, and refuses next to nothing of what it can serve", () => {
    const simulation = new Simulation(100, 10);
    simulation.run({ perSecond: 500, seconds: 10 });
    const steady = simulation.run({ perSecond: 8_000, seconds: 20 });
    expect(simulation.run({ perSecond: 8_000, seconds: 5 }).refused).toBe(0);
    expect(steady.limit.limit).toBeGreaterThan(80);
  });

  test("under twice the load that it can serve, latency stays bounded and the server stays busy", () => {
    const simulation = new Simulation(10, 10);
    simulation.run({ perSecond: 500, seconds: 10 });
    const overload = simulation.run({ perSecond: 2_000, seconds: 120 });
    // 1,000 a second is what ten workers can do.
    expect(overload.admitted / 120).toBeGreaterThan(850);
    expect(overload.slowestMs).toBeLessThan(60);
    expect(simulation.limit.limit).toBeLessThan(40);
  });

  test("without it the same overload has no bound", () => {
    const open = new GradientLimit({ min: 100_000, max: 100_000, tolerance: 1.5 }, 0);
    const overload = new Simulation(10, 10, open).run({ perSecond: 2_000, seconds: 10 });
    expect(overload.slowestMs).toBeGreaterThan(5_000);
  });

  test("follows a server that loses half of its workers, and one that gets them back", () => {
    const simulation = new Simulation(40, 10);
    simulation.run({ perSecond: 1_000, seconds: 10 });
    simulation.run({ perSecond: 6_000, seconds: 30 });
    const before = simulation.limit.limit;
    simulation.workers = 10;
    simulation.run({ perSecond: 6_000, seconds: 60 });
    const less = simulation.limit.limit;
    simulation.workers = 40;
    const back = simulation.run({ perSecond: 3_500, seconds: 60 });
    expect(less).toBeLessThan(before / 1.5);
    expect(back.refused / (back.refused + back.admitted)).toBeLessThan(0.01);
  });

  test("a limit that nobody needs does not grow", () => {
    const simulation = new Simulation(100, 10);
    simulation.run({ perSecond: 100, seconds: 60 });
    expect(simulation.limit.limit).toBeLessThan(30);
  });

  test("losses shrink it, down to the minimum and no further", () => {
    const limit = new GradientLimit(settings, 0);
    for (let i = 1; i <= 100; i++) {
      limit.observeLoss();
      for (let n = 0; n < 10; n++) limit.observe(1_000, i * 100_000);
    }
    expect(limit.limit).toBe(3);
  });

  test("never leaves its bounds", () => {
    const narrow = gradientSettings(create(AdaptiveConcurrencySchema, { min: 8, max: 12 }));
    const simulation = new Simulation(100, 5, new GradientLimit(narrow, 0));
    simulation.run({ perSecond: 5_000, seconds: 10 });
    expect(simulation.limit.limit).toBe(12);
    simulation.workers = 1;
    simulation.run({ perSecond: 5_000, seconds: 30 });
    expect(simulation.limit.limit).toBe(8);
  });
});

describe("priority", () => {
  const limit = new GradientLimit({ min: 10, max: 10, tolerance: 1.5 }, 0);

  test.each([
    ["sheddable", 8],
    ["default", 10],
    ["critical", 11],
    ["toString", 10],
    [undefined, 10],
  ])("%s requests are let in up to %i of 10", (priority, most) => {
    expect(limit.admits(most, shareOf(priority))).toBe(true);
    expect(limit.admits(most + 1, shareOf(priority))).toBe(false);
  });

  test("is not asked for where no header is named", () => {
    expect(refusal({ limit, priorityHeader: "" }, 10, undefined)).toBeUndefined();
    expect(refusal({ limit, priorityHeader: "" }, 11, undefined)).toBe("overloaded");
  });
});
