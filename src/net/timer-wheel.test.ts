/** The timer wheel on a virtual clock: never early, at most a tick late, whatever callbacks do to it. */
import { describe, expect, test } from "bun:test";
import { type Timer, VirtualClock } from "../kernel/index.ts";
import { TimerWheel } from "./timer-wheel.ts";

function make(tickMs = 10, slots = 8): { clock: VirtualClock; wheel: TimerWheel; fired: string[] } {
  const clock = new VirtualClock();
  return { clock, wheel: new TimerWheel(clock, tickMs, slots), fired: [] };
}

describe("TimerWheel", () => {
  test("fires late by at most a tick, never early", () => {
    for (const delayMs of [0, 1, 9, 10, 11, 79, 80, 81, 200, 1_000]) {
      for (const offsetMs of [0, 3, 9]) {
        const { clock, wheel } = make();
        clock.advance(offsetMs);
        let passedMs = 0;
        const firedAtMs: number[] = [];
        wheel.schedule(delayMs, () => firedAtMs.push(passedMs));
        while (passedMs++ < delayMs + 30) clock.advance(1);
        expect(firedAtMs.length).toBe(1);
        expect(firedAtMs[0]).toBeGreaterThanOrEqual(delayMs);
        expect(firedAtMs[0]).toBeLessThanOrEqual(delayMs + 20);
      }
    }
  });

  test("cancelled timers do not fire, and cancelling twice is nothing", () => {
    const { clock, wheel, fired } = make();
    const first = wheel.schedule(20, () => fired.push("first"));
    wheel.schedule(20, () => fired.push("second"));
    first.cancel();
    first.cancel();
    expect(wheel.size).toBe(1);
    clock.advance(1_000);
    expect(fired).toEqual(["second"]);
    expect(wheel.size).toBe(0);
  });

  test("reschedule moves a timer both ways and revives it", () => {
    const { clock, wheel, fired } = make();
    const timer = wheel.schedule(50, () => fired.push("x"));
    timer.reschedule(500);
    clock.advance(490);
    expect(fired).toEqual([]);
    timer.reschedule(20);
    clock.advance(30);
    expect(fired).toEqual(["x"]);
    timer.reschedule(20);
    expect(wheel.size).toBe(1);
    clock.advance(30);
    expect(fired).toEqual(["x", "x"]);
  });

  test("a timer that is put off again and again fires once, after the last time", () => {
    const { clock, wheel, fired } = make();
    const timer = wheel.schedule(100, () => fired.push("x"));
    for (let i = 0; i < 50; i++) {
      clock.advance(30);
      timer.reschedule(100);
    }
    expect(fired).toEqual([]);
    clock.advance(110);
    expect(fired).toEqual(["x"]);
  });

  test("callbacks may schedule, cancel and reschedule each other", () => {
    const { clock, wheel, fired } = make();
    wheel.schedule(10, () => {
      fired.push("a");
      victim.cancel();
      moved.reschedule(100);
      wheel.schedule(0, () => fired.push("new"));
    });
    const victim = wheel.schedule(10, () => fired.push("victim"));
    const moved = wheel.schedule(10, () => fired.push("moved"));
    clock.advance(10);
    expect(fired).toEqual(["a"]);
    clock.advance(10);
    expect(fired).toEqual(["a", "new"]);
    clock.advance(200);
    expect(fired).toEqual(["a", "new", "moved"]);
  });

  test("after a long pause everything that is due fires at once", () => {
    let nowMs = 0;
    const pending: (() => void)[] = [];
    const timer = (_delayMs: number, callback: () => void): Timer => {
      pending.push(callback);
      return { cancel() {} };
    };
    const wheel = new TimerWheel(
      { nowMs: () => nowMs, monotonicUs: () => nowMs * 1000, after: timer, deadline: timer },
      10,
      8,
    );
    const fired: number[] = [];
    for (const delayMs of [15, 35, 75, 95, 500]) wheel.schedule(delayMs, () => fired.push(delayMs));
    nowMs = 300;
    pending.shift()?.();
    expect(fired).toEqual([]);
    pending.shift()?.();
    expect(fired.toSorted((a, b) => a - b)).toEqual([15, 35, 75, 95]);
    expect(wheel.size).toBe(1);
  });

  test("sleeps when empty, and keeps its promise after a sleep", () => {
    const { clock, wheel, fired } = make();
    wheel.schedule(10, () => fired.push("a"));
    clock.advance(12_345);
    wheel.schedule(15, () => fired.push("b"));
    clock.advance(14);
    expect(fired).toEqual(["a"]);
    clock.advance(20);
    expect(fired).toEqual(["a", "b"]);
  });

  test("close drops what waits", () => {
    const { clock, wheel, fired } = make();
    for (let i = 0; i < 20; i++) wheel.schedule(i * 7, () => fired.push("x"));
    wheel.close();
    clock.advance(1_000);
    expect(fired).toEqual([]);
    expect(wheel.size).toBe(0);
  });
});
