/** When statuses are written: behind what they are of, once for a burst, by the one who leads. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { parseObject } from "../api/index.ts";
import type { StatusUpdate } from "../compile/index.ts";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import { StatusQueue } from "./status-queue.ts";

const clock = new VirtualClock();
let store: Store;
let writes = 0;
beforeEach(async () => {
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
  const route = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "r" },
    spec: { parentRefs: [{ name: "edge" }] },
  };
  const parsed = parseObject(route, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  await store.commit([{ type: "put", object: parsed.object }], { author: "test", message: "" });
  writes = 0;
  const writeOperational = store.writeOperational.bind(store);
  store.writeOperational = (...args) => {
    writes++;
    return writeOperational(...args);
  };
});
afterEach(() => store.close());

const update = (reason: string): StatusUpdate => ({
  ...{ kind: "HTTPRoute", namespace: "default", name: "r", observedGeneration: 1 },
  status: {
    kind: "route",
    parents: [
      {
        parentRef: { name: "edge" },
        conditions: [{ type: "Accepted", status: "False", reason, message: "" }],
      },
    ],
  },
});
const stored = (): string | undefined =>
  store.get({ kind: "HTTPRoute", namespace: "default", name: "r" })?.status?.parents[0]?.conditions[0]
    ?.reason;

test("a burst is one write, of the newest, a tenth of a second after its first", async () => {
  const queue = new StatusQueue({ store, clock, log: silentLog });
  queue.add([update("First")]);
  clock.advance(60);
  queue.add([update("Second")]);
  clock.advance(39);
  expect(writes).toBe(0);
  clock.advance(1);
  await queue.idle();
  expect([writes, stored()]).toEqual([1, "Second"]);
  queue.add([update("Third")]);
  clock.advance(100);
  await queue.idle();
  expect([writes, stored()]).toEqual([2, "Third"]);
  await queue.close();
});

test("what is gathered when it is closed is written", async () => {
  const queue = new StatusQueue({ store, clock, log: silentLog });
  queue.add([update("Last")]);
  await queue.close();
  expect(stored()).toBe("Last");
  queue.add([update("Later")]);
  clock.advance(1_000);
  await queue.idle();
  expect(stored()).toBe("Last");
});

test("what comes while a write ends is written as well", async () => {
  const queue = new StatusQueue({ store, clock, log: silentLog });
  queue.add([update("First")]);
  const unwatch = store.watch(store.sequence, () => queue.add([update("Second")]));
  clock.advance(100);
  await queue.idle();
  if (unwatch !== "gone") unwatch();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  clock.advance(100);
  await queue.idle();
  expect(stored()).toBe("Second");
  await queue.close();
});

test("who does not lead writes nothing until he does", async () => {
  let isLeading = false;
  let told: (isLeading: boolean) => void = () => {};
  const lead = {
    isLeading: () => isLeading,
    onChange: (listener: typeof told) => {
      told = listener;
      return () => {};
    },
  };
  const queue = new StatusQueue({ store, clock, log: silentLog, lead });
  queue.add([update("Known")]);
  clock.advance(1_000);
  await queue.idle();
  expect(writes).toBe(0);
  isLeading = true;
  told(true);
  clock.advance(100);
  await queue.idle();
  expect(stored()).toBe("Known");
  await queue.close();
});
