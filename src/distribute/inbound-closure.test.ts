/** Whom a workload's own proxy asks about requests: the clusters come with its Inbound, as those of an outbound do. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

function sidecar(...clusters: string[]) {
  const source = new FakeSource()
    .put("Mesh", "mesh", "m1")
    .put("Cluster", "shop/authz:9000", "c1")
    .put("Inbound", "shop/web", "i1", clusters);
  const core = new SubscriptionCore(source, new VirtualClock());
  const proxy = new FakeProxy(core, proxyIdentity("web", "sidecar"));
  proxy.subscriber.flush();
  return { source, proxy };
}

test("they come with it, and before it", () => {
  const { proxy } = sidecar("shop/authz:9000");
  expect(proxy.lines).toEqual(["+Cluster shop/authz:9000 c1", "+Inbound shop/web i1", "+Mesh mesh m1"]);
});

test("a policy that begins to ask brings them, and one that ends takes them away", () => {
  const { proxy, source } = sidecar();
  expect(proxy.lines).toEqual(["+Inbound shop/web i1", "+Mesh mesh m1"]);
  proxy.acknowledge();
  source.put("Inbound", "shop/web", "i2", ["shop/authz:9000"]).commit();
  expect(proxy.lines).toEqual(["+Cluster shop/authz:9000 c1", "+Inbound shop/web i2"]);
  proxy.acknowledge();
  source.put("Inbound", "shop/web", "i3").commit();
  expect(proxy.lines).toEqual(["+Inbound shop/web i3", "-Cluster shop/authz:9000"]);
  proxy.acknowledge();
  expect([...source.tracked].filter((name) => name.startsWith("Cluster"))).toEqual([]);
});
