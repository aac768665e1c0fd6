/** Restarts: the pauses, what resets them, how a stop goes. */
import { expect, test } from "bun:test";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Restarter } from "./restarter.ts";
import { FakeLaunched } from "./testing/fake-launched.ts";

function setUp(options: { readonly diesOf?: readonly number[]; readonly ended?: () => Promise<void> } = {}) {
  const clock = new VirtualClock();
  const started: FakeLaunched[] = [];
  const restarter = new Restarter({
    name: "echo",
    clock,
    log: silentLog,
    launch: async () => {
      const launched = new FakeLaunched(started.length + 1, options.diesOf);
      started.push(launched);
      return launched;
    },
    ...(options.ended === undefined ? {} : { ended: options.ended }),
  });
  const crash = async (): Promise<void> => {
    started.at(-1)?.end({ kind: "code", code: 1 });
    await settle();
  };
  return { clock, started, restarter, crash };
}

/** Lets every promise that can go on do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("starts again after pauses that double", async () => {
  const { clock, started, restarter, crash } = setUp();
  await restarter.start();
  for (const [index, pauseMs] of [500, 1_000, 2_000].entries()) {
    await crash();
    clock.advance(pauseMs - 1);
    await settle();
    expect(started).toHaveLength(index + 1);
    clock.advance(1);
    await settle();
    expect(started).toHaveLength(index + 2);
  }
  await restarter.stop(1_000);
});

test("pauses at most 30 seconds", async () => {
  const { clock, started, restarter, crash } = setUp();
  await restarter.start();
  for (let i = 0; i < 12; i++) {
    await crash();
    clock.advance(30_000);
    await settle();
  }
  expect(started).toHaveLength(13);
  await restarter.stop(1_000);
});

test("begins with the short pause again after a minute of running", async () => {
  const { clock, started, restarter, crash } = setUp();
  await restarter.start();
  await crash();
  clock.advance(500);
  await settle();
  clock.advance(60_000);
  await crash();
  clock.advance(500);
  await settle();
  expect(started).toHaveLength(3);
  await restarter.stop(1_000);
});

test("does what belongs after an end before it starts again", async () => {
  let ends = 0;
  const { clock, restarter, crash, started } = setUp({ ended: async () => void ends++ });
  await restarter.start();
  await crash();
  expect([ends, started.length]).toEqual([1, 1]);
  clock.advance(500);
  await settle();
  await restarter.stop(1_000);
  expect([ends, started.length]).toEqual([1, 2]);
});

test("stops with SIGTERM, and SIGKILL when that is not heard", async () => {
  const { clock, started, restarter } = setUp({ diesOf: [9] });
  await restarter.start();
  const stopped = restarter.stop(3_000);
  await settle();
  expect(started[0]?.signals).toEqual([15]);
  clock.advance(3_000);
  await stopped;
  expect(started[0]?.signals).toEqual([15, 9]);
});

test("a stop during a pause starts nothing again", async () => {
  const { clock, started, restarter, crash } = setUp();
  await restarter.start();
  await crash();
  await restarter.stop(1_000);
  clock.advance(60_000);
  await settle();
  expect(started).toHaveLength(1);
});

test("ends what was not ready, and says so to the caller", async () => {
  const launched = new FakeLaunched(1);
  const restarter = new Restarter({
    name: "echo",
    clock: new VirtualClock(),
    log: silentLog,
    launch: async () => launched,
    ready: () => Promise.reject(new Error("never listened")),
  });
  expect(await restarter.start().catch((error: unknown) => error)).toMatchObject({
    message: "never listened",
  });
  expect(launched.signals).toEqual([9]);
});

test("goes on trying when a later start fails", async () => {
  const clock = new VirtualClock();
  let attempts = 0;
  const first = new FakeLaunched(1);
  const restarter = new Restarter({
    name: "echo",
    clock,
    log: silentLog,
    launch: async () => {
      attempts++;
      if (attempts === 2) throw new Error("no memory");
      return attempts === 1 ? first : new FakeLaunched(attempts);
    },
  });
  await restarter.start();
  first.end({ kind: "code", code: 1 });
  await settle();
  clock.advance(500);
  await settle();
  clock.advance(1_000);
  await settle();
  expect(attempts).toBe(3);
  await restarter.stop(1_000);
});
