/** Which of several listeners the kernel gives new connections to, with real sockets. */
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../kernel/index.ts";
import { type Listener, listen } from "../net/index.ts";
import { queueLength, steer, untilEmpty } from "./reuse-port.ts";

const opened: Listener[] = [];
afterEach(() => {
  for (const listener of opened.splice(0)) listener.closeAll();
});

function listeners(count: number): { all: Listener[]; accepted: number[] } {
  const accepted = Array.from({ length: count }, () => 0);
  const all: Listener[] = [];
  for (let i = 0; i < count; i++) {
    const listener = listen({
      port: all[0]?.port ?? 0,
      reusePort: true,
      onConnection(connection) {
        accepted[i] = (accepted[i] ?? 0) + 1;
        connection.terminate();
      },
    });
    all.push(listener);
    opened.push(listener);
  }
  return { all, accepted };
}

async function dial(port: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await new Promise<void>((resolve, reject) => {
      Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: { open() {}, data() {}, close: () => resolve(), error: () => resolve() },
      }).catch(reject);
    });
  }
}

test("new connections go to the chosen ones only", async () => {
  const { all, accepted } = listeners(4);
  const port = all[0]?.port ?? 0;
  expect(steer(all[3]?.fd ?? -1, { first: 1, count: 2 })).toBe(true);
  await dial(port, 60);
  expect([accepted[0], accepted[3]]).toEqual([0, 0]);
  expect((accepted[1] ?? 0) * (accepted[2] ?? 0)).toBeGreaterThan(0);
  steer(all[0]?.fd ?? -1, { first: 3, count: 1 });
  await dial(port, 10);
  expect(accepted[3]).toBe(10);
});

test("a choice beyond those that are left is the kernel's", async () => {
  const { all, accepted } = listeners(2);
  steer(all[0]?.fd ?? -1, { first: 7, count: 1 });
  await dial(all[0]?.port ?? 0, 40);
  expect((accepted[0] ?? 0) + (accepted[1] ?? 0)).toBe(40);
});

test("an empty queue is told, a closed listener is none", async () => {
  const { all } = listeners(1);
  expect(queueLength(all[0]?.fd ?? -1)).toBe(0);
  await untilEmpty(all[0]?.fd ?? -1, systemClock);
  expect(queueLength(-1)).toBeUndefined();
  expect(steer(-1, { first: 0, count: 1 })).toBe(false);
});
