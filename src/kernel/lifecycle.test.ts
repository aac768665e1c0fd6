/** Draining: the order of the parts, the deadline, and force. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "./clock.ts";
import { Lifecycle } from "./lifecycle.ts";

function recording(log: string[], name: string, drained: Promise<void>) {
  return {
    drain: () => {
      log.push(`drain ${name}`);
      return drained;
    },
    close: () => void log.push(`close ${name}`),
  };
}

describe("Lifecycle", () => {
  test("drains the parts that were added last first", async () => {
    const log: string[] = [];
    const lifecycle = new Lifecycle(new VirtualClock());
    lifecycle.add(recording(log, "store", Promise.resolve()));
    lifecycle.add(recording(log, "listener", Promise.resolve()));
    await lifecycle.drain(1000);
    expect(log).toEqual(["drain listener", "close listener", "drain store", "close store"]);
    expect(lifecycle.isDraining).toBe(true);
  });

  test("closes by force at the deadline", async () => {
    const log: string[] = [];
    const clock = new VirtualClock();
    const lifecycle = new Lifecycle(clock);
    lifecycle.add(recording(log, "stuck", new Promise(() => {})));
    const done = lifecycle.drain(1000);
    clock.advance(1000);
    await done;
    expect(log).toEqual(["drain stuck", "close stuck"]);
  });

  test("stops waiting when forced", async () => {
    const log: string[] = [];
    const lifecycle = new Lifecycle(new VirtualClock());
    lifecycle.add(recording(log, "stuck", new Promise(() => {})));
    const done = lifecycle.drain(60_000);
    lifecycle.force();
    await done;
    expect(log).toContain("close stuck");
  });
});
