/** The compiled system calls get the numbers that the caller gave, and refuse those that mean everybody. */
import { expect, test } from "bun:test";
import { closeDescriptor, makePipe } from "./native.ts";
import { native } from "./native-calls.ts";

const EBADF = 9;
const EINVAL = 22;

test("refuses to signal or wait for more than one process", () => {
  for (const pid of [1, 0, -1, -process.pid, Number.NaN]) {
    // Signal 0 would only ask, so a defect here harms nobody.
    expect(native().kill(pid, 0)).toBe(-EINVAL);
  }
  for (const pid of [0, -1, Number.NaN]) expect(native().wait(pid, new Int32Array(1), false)).toBe(-EINVAL);
});

test("numbers arrive as they are however the engine holds them", () => {
  const { readEnd, writeEnd } = makePipe();
  let refused = 0;
  // What a square root gives is held as a double; the loop is long enough for optimised code.
  for (let i = 0; i < 100_000; i++) {
    const fd = Math.sqrt(readEnd * readEnd);
    const LOCK_UNLOCK = Math.sqrt(64);
    if (native().flock(fd, LOCK_UNLOCK) !== 0) refused++;
    if (native().flock(Math.sqrt(1_000_000 * 1_000_000), LOCK_UNLOCK) !== -EBADF) refused++;
  }
  expect(refused).toBe(0);
  closeDescriptor(readEnd);
  closeDescriptor(writeEnd);
});
