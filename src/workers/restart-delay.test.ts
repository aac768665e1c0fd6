/** Workers that die young wait longer. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { RestartDelay } from "./restart-delay.ts";

test("doubles up to ten seconds, and starts anew after a long life", () => {
  const clock = new VirtualClock();
  const delay = new RestartDelay(clock);
  const young = (): number => delay.next(clock.nowMs() - 1_000);
  expect([young(), young(), young()]).toEqual([100, 200, 400]);
  for (let i = 0; i < 100; i++) young();
  expect(young()).toBe(10_000);
  expect(delay.next(clock.nowMs() - 30_000)).toBe(100);
});
