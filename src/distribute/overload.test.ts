/** Who waits when there is more to do than time: proxies that run come first, each waits once, and first changes take turns. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

function mesh(proxies: number) {
  const source = new FakeSource().put("Mesh", "mesh", "m1");
  const clock = new VirtualClock();
  const core = new SubscriptionCore(source, clock);
  const connected = Array.from({ length: proxies }, (_, index) => {
    const proxy = new FakeProxy(core, proxyIdentity(`p${index}`));
    proxy.subscriber.flush();
    return proxy.acknowledge();
  });
  return { source, clock, core, connected };
}

test("a proxy waits once, however many changes it misses, and gets the newest state", () => {
  const { source, clock, core, connected } = mesh(600);
  for (let version = 2; version < 200; version++) source.put("Mesh", "mesh", `m${version}`).commit();
  // The first slice was sent m2 at once; the others wait, each in one place.
  expect(core.queued).toBeLessThanOrEqual(600);
  clock.advance(0);
  clock.advance(0);
  clock.advance(0);
  expect(core.queued).toBe(0);
  for (const proxy of connected) {
    while (proxy.staged !== undefined) proxy.acknowledge();
    expect(proxy.received.length).toBeLessThanOrEqual(3);
    expect(proxy.subscriber.runs("Mesh", "mesh", "m199")).toBe(true);
  }
});

test("first changes wait for those of proxies that run, in the order of their coming", async () => {
  const { source, clock, core, connected } = mesh(300);
  const started: string[] = [];
  core.later(() => void started.push("a"));
  core.later(() => void started.push("b"));
  expect(core.starting).toBe(2);
  source.put("Mesh", "mesh", "m2").commit();
  await new Promise((resolve) => setImmediate(resolve));
  expect(connected.filter((proxy) => proxy.staged !== undefined)).toHaveLength(256);
  expect(started).toEqual([]);
  clock.advance(0);
  expect(connected.every((proxy) => proxy.staged !== undefined)).toBe(true);
  expect(started).toEqual(["a", "b"]);
  expect(core.starting).toBe(0);
});

test("how long changes take is counted from what began them to the answer", () => {
  const { source, clock, core, connected } = mesh(1);
  const before = core.pushes.seconds;
  source.put("Mesh", "mesh", "m2").commit();
  clock.advance(300);
  connected[0]?.acknowledge();
  expect(core.pushes.seconds - before).toBeCloseTo(0.3);
  expect(core.pushes.counts.reduce((sum, count) => sum + count, 0)).toBe(2);
});
