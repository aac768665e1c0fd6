/** A flood from one address leaves room for the others, and ends for that address too. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { ConnectionRate } from "./connection-rate.ts";

test("an address has a burst and a rate of its own", () => {
  const clock = new VirtualClock();
  const rate = new ConnectionRate(clock);
  const admitted = (address: string, count: number): number =>
    Array.from({ length: count }, () => rate.admits(address)).filter((isAdmitted) => isAdmitted).length;
  expect(admitted("10.0.0.1", 5_000)).toBe(2_000);
  expect(admitted("10.0.0.2", 10)).toBe(10);
  clock.advance(100);
  expect(admitted("10.0.0.1", 5_000)).toBe(50);
});
