/** The virtual clock, on which every test of time rests. */
import { expect, test } from "bun:test";
import { VirtualClock } from "./clock.ts";

test("a virtual clock fires timers in the order of their due times", () => {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  clock.after(20, () => log.push(`late ${clock.nowMs()}`));
  clock.after(10, () => {
    log.push(`early ${clock.nowMs()}`);
    clock.after(5, () => log.push(`nested ${clock.nowMs()}`));
  });
  clock.after(15, () => log.push("cancelled")).cancel();
  clock.advance(30);
  expect(log).toEqual(["early 10", "nested 15", "late 20"]);
  expect(clock.nowMs()).toBe(30);
});
