/** What a change of the source means for those that it touches. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

test("of commits that come as one change the first already keeps a proxy back", () => {
  const source = new FakeSource();
  source.put("Mesh", "mesh", "m1").put("Inbound", "shop/web", "i1");
  const proxy = new FakeProxy(new SubscriptionCore(source, new VirtualClock()), proxyIdentity("web"));
  proxy.subscriber.flush();
  proxy.acknowledge();
  source.revision++;
  source.put("Inbound", "shop/web", "i2").commit();
  expect([source.revision, proxy.subscriber.revision]).toEqual([3, 1]);
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(3);
});
