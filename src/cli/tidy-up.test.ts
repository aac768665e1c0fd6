/** When code is let go: after the start, and once more where little came of it. */
import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { tidyUp } from "./tidy-up.ts";

const clock = new VirtualClock();
const shrink = spyOn(Bun, "shrink").mockImplementation(() => {});
let usedUs = 0;
const cpuUsage = spyOn(process, "cpuUsage").mockImplementation((before) => ({
  user: usedUs - (before?.user ?? 0),
  system: 0,
}));

afterEach(() => {
  shrink.mockClear();
  cpuUsage.mockClear();
});

afterAll(() => {
  shrink.mockRestore();
  cpuUsage.mockRestore();
});

test("three seconds after the start, and a second time when the process was quiet for fifteen", () => {
  tidyUp(clock);
  clock.advance(2_999);
  expect(shrink).toHaveBeenCalledTimes(0);
  clock.advance(1);
  expect(shrink).toHaveBeenCalledTimes(1);
  usedUs += 700_000;
  clock.advance(15_000);
  expect(shrink).toHaveBeenCalledTimes(2);
  clock.advance(3_600_000);
  expect(shrink).toHaveBeenCalledTimes(2);
});

test("once where it had work to do meanwhile: what was compiled for that stays, also in the next lull", () => {
  tidyUp(clock);
  clock.advance(3_000);
  usedUs += 800_000;
  clock.advance(15_000);
  clock.advance(3_600_000);
  expect(shrink).toHaveBeenCalledTimes(1);
});

test("never once it is cancelled", () => {
  const atOnce = tidyUp(clock);
  atOnce.cancel();
  const later = tidyUp(clock);
  clock.advance(3_000);
  later.cancel();
  clock.advance(60_000);
  expect(shrink).toHaveBeenCalledTimes(1);
});
