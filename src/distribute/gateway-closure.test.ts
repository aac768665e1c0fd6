/** Certificates of gateways: they come and go with the gateways that show them, and to nobody else. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

function edge() {
  const source = new FakeSource()
    .put("Mesh", "mesh", "m1")
    .put("Gateway", "shop/edge", "g1", { certificates: ["shop/tls"] })
    .put("Certificate", "shop/tls", "t1");
  const core = new SubscriptionCore(source, new VirtualClock());
  const gateway = new FakeProxy(core, proxyIdentity("edge", "gateway"));
  gateway.subscriber.subscribeAllGateways();
  gateway.subscriber.flush();
  return { source, core, gateway };
}

test("a gateway brings its certificates, what is referred to first", () => {
  const { gateway } = edge();
  expect(gateway.lines).toEqual(["+Certificate shop/tls t1", "+Gateway shop/edge g1", "+Mesh mesh m1"]);
});

test("a rotation brings the certificate alone", () => {
  const { gateway, source } = edge();
  gateway.acknowledge();
  source.put("Certificate", "shop/tls", "t2").commit();
  expect(gateway.lines).toEqual(["+Certificate shop/tls t2"]);
});

test("a certificate goes when no gateway shows it any more, and the source may forget it", () => {
  const { gateway, source } = edge();
  gateway.acknowledge();
  source.put("Gateway", "shop/edge", "g2").commit();
  expect(gateway.lines).toEqual(["+Gateway shop/edge g2", "-Certificate shop/tls"]);
  gateway.acknowledge();
  expect([...source.tracked].filter((name) => name.startsWith("Certificate"))).toEqual([]);
});

test("a certificate that was rejected is sent again with a gateway that needs it", () => {
  const { gateway, source } = edge();
  gateway.reject("no", ({ kind }) => kind !== "Mesh");
  expect(gateway.lines).toEqual([]);
  source.put("Gateway", "shop/edge", "g2", { certificates: ["shop/tls"] }).commit();
  expect(gateway.lines).toEqual(["+Certificate shop/tls t1", "+Gateway shop/edge g2"]);
});
