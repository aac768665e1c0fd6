/** What each subscriber is sent, when, and at which revision it counts as being. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

/** A mesh with one service in two versions. */
function shop() {
  const source = new FakeSource();
  source
    .put("Mesh", "mesh", "m1")
    .put("Inbound", "shop/web", "i1")
    .put("Outbound", "reviews", "o1", ["v1"])
    .put("Cluster", "v1", "c1")
    .put("Endpoint", "v1#a", "e1")
    .put("Endpoint", "v1#b", "e1")
    .put("Cluster", "v2", "c1")
    .put("Endpoint", "v2#a", "e1")
    .put("Name", "reviews.local", "n1");
  const clock = new VirtualClock();
  const core = new SubscriptionCore(source, clock);
  const connect = (name = "web", state?: Map<string, string>): FakeProxy => {
    const proxy = new FakeProxy(core, proxyIdentity(name), state);
    proxy.subscriber.flush();
    return proxy;
  };
  return { source, clock, core, connect };
}

test("a new proxy is sent what its role implies, even before it asks", () => {
  const { connect } = shop();
  expect(connect().lines).toEqual(["+Inbound shop/web i1", "+Mesh mesh m1"]);
});

test("a proxy of which nothing is known yet gets a commit all the same", () => {
  const core = new SubscriptionCore(new FakeSource(), new VirtualClock());
  const proxy = new FakeProxy(core, proxyIdentity("web"));
  proxy.subscriber.flush();
  expect(proxy.staged).toMatchObject({ revision: 1, upserts: [], removals: [] });
});

test("an outbound brings its closure, what is referred to first", () => {
  const { connect } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews");
  expect(proxy.lines).toEqual([
    "+Cluster v1 c1",
    "+Endpoint v1#a e1",
    "+Endpoint v1#b e1",
    "+Outbound reviews o1",
  ]);
});

test("a name that does not exist is answered, and again when it appears and goes", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Name", "nothing.local");
  expect(proxy.lines).toEqual(["-Name nothing.local"]);
  proxy.acknowledge();
  source.put("Name", "nothing.local", "n1").commit();
  expect(proxy.lines).toEqual(["+Name nothing.local n1"]);
  proxy.acknowledge();
  source.remove("Name", "nothing.local").commit();
  expect(proxy.lines).toEqual(["-Name nothing.local"]);
});

test("asking again for a known name is answered again", () => {
  const { connect } = shop();
  const proxy = connect().acknowledge().subscribe("Name", "reviews.local").acknowledge();
  expect(proxy.subscribe("Name", "reviews.local").lines).toEqual(["+Name reviews.local n1"]);
});

test("one changed endpoint is one resource to those who use its cluster, and nothing to others", () => {
  const { connect, source } = shop();
  const user = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  const other = connect("other").acknowledge();
  source.put("Endpoint", "v1#b", "e2").publish();
  expect(user.lines).toEqual(["+Endpoint v1#b e2"]);
  expect(other.staged).toBeUndefined();
});

test("endpoints that join and leave are told", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.put("Endpoint", "v1#c", "e1").remove("Endpoint", "v1#a").publish();
  expect(proxy.lines).toEqual(["+Endpoint v1#c e1", "-Endpoint v1#a"]);
});

test("a route that moves brings the new cluster before and takes the old one after, in one change", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.put("Outbound", "reviews", "o2", ["v2"]).commit();
  expect(proxy.lines).toEqual([
    "+Cluster v2 c1",
    "+Endpoint v2#a e1",
    "+Outbound reviews o2",
    "-Endpoint v1#a",
    "-Endpoint v1#b",
    "-Cluster v1",
  ]);
});

test("a cluster that another outbound still uses stays", () => {
  const { connect, source } = shop();
  source.put("Outbound", "other", "o1", ["v1", "v2"]).publish();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews", "other").acknowledge();
  expect(proxy.unsubscribe("Outbound", "other").lines).toEqual(["-Endpoint v2#a", "-Cluster v2"]);
  proxy.acknowledge();
  expect(proxy.unsubscribe("Outbound", "reviews").lines).toEqual([
    "-Endpoint v1#a",
    "-Endpoint v1#b",
    "-Cluster v1",
  ]);
});

test("an outbound that goes takes its closure along and is answered as gone", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.remove("Outbound", "reviews").commit();
  expect(proxy.lines).toEqual(["-Outbound reviews", "-Endpoint v1#a", "-Endpoint v1#b", "-Cluster v1"]);
});

test("what happens while a change is unanswered is sent as one, in its newest state", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews");
  for (let i = 2; i < 100; i++)
    source.put("Endpoint", "v1#a", `e${i}`).put("Inbound", "shop/web", `i${i}`).commit();
  source.put("Endpoint", "v1#temporary", "e1").publish();
  source.remove("Endpoint", "v1#temporary").publish();
  expect(proxy.received).toHaveLength(2);
  expect(proxy.acknowledge().lines).toEqual(["+Endpoint v1#a e99", "+Inbound shop/web i99"]);
  expect(proxy.staged?.revision).toBe(99);
  proxy.acknowledge();
  expect(proxy.staged).toBeUndefined();
});

test("what went and came back as it was is no change", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Name", "reviews.local");
  source.put("Inbound", "shop/web", "i2").commit();
  source.put("Inbound", "shop/web", "i1").commit();
  proxy.acknowledge();
  expect(proxy.staged).toBeUndefined();
});

test("a proxy is at a revision when nothing up to it that touches it is unacknowledged", () => {
  const { connect, source, core } = shop();
  const touched = connect();
  const untouched = connect("other");
  const revisions = (): number[] => [touched.subscriber.revision, untouched.subscriber.revision];
  expect(revisions()).toEqual([0, 0]);
  touched.acknowledge();
  untouched.acknowledge();
  expect(revisions()).toEqual([1, 1]);
  source.put("Inbound", "shop/web", "i2").commit(); // revision 2
  expect(revisions()).toEqual([1, 2]);
  source.put("Inbound", "shop/web", "i3").commit(); // 3, marked while 2 is in flight
  source.commit(); // 4 touches nobody
  expect(revisions()).toEqual([1, 4]);
  touched.acknowledge();
  expect(revisions()).toEqual([2, 4]);
  touched.acknowledge();
  expect(revisions()).toEqual([4, 4]);
  expect(core.statuses().map(({ identity, revision }) => [identity.workload, revision])).toEqual([
    ["shop/web", 4],
    ["shop/other", 4],
  ]);
});

test("endpoints and new subscriptions keep nobody from the revision that it has", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews");
  expect(proxy.subscriber.revision).toBe(1);
  proxy.acknowledge();
  source.put("Endpoint", "v1#a", "e2").publish();
  expect(proxy.staged).toBeDefined();
  expect(proxy.subscriber.revision).toBe(1);
});

test("a commit that touches what is being subscribed to counts", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews");
  source.put("Outbound", "reviews", "o2", ["v1"]).commit();
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(1);
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(2);
});

test("resuming sends differences only, and takes away what is gone or not wanted", () => {
  const { core } = shop();
  const proxy = new FakeProxy(core, proxyIdentity("web"));
  const { subscriber } = proxy;
  subscriber.resume("Mesh", { mesh: "m1" });
  subscriber.resume("Inbound", { "shop/web": "i0" });
  subscriber.resume("Cluster", { v1: "c1", gone: "c1" });
  subscriber.resume("Endpoint", { "v1#a": "e1", "v1#old": "e1", "gone#a": "e1" });
  subscriber.resume("Outbound", { reviews: "o1" });
  subscriber.subscribe("Outbound", ["reviews"]);
  subscriber.flush();
  expect(proxy.lines).toEqual(["+Endpoint v1#b e1", "+Inbound shop/web i1"]);
  expect(subscriber.revision).toBe(0);
  proxy.acknowledge();
  expect(proxy.lines.toSorted()).toEqual(["-Cluster gone", "-Endpoint gone#a", "-Endpoint v1#old"]);
  proxy.acknowledge();
  expect(subscriber.revision).toBe(1);
});

test("resuming with everything as it was costs one empty change", () => {
  const { core } = shop();
  const proxy = new FakeProxy(core, proxyIdentity("web"));
  proxy.subscriber.resume("Mesh", { mesh: "m1" });
  proxy.subscriber.resume("Inbound", { "shop/web": "i1" });
  proxy.subscriber.flush();
  expect(proxy.staged).toMatchObject({ upserts: [], removals: [] });
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(1);
});

test("claims that come after the first change was sent take nothing away and do not hide that they are old", () => {
  const { connect } = shop();
  const proxy = connect(); // its first change is in flight
  const { subscriber } = proxy;
  subscriber.resume("Mesh", { mesh: "m0" }); // already being sent
  subscriber.resume("Cluster", { v1: "c1" });
  subscriber.resume("Endpoint", { "v1#a": "e1", "v1#b": "e0" });
  subscriber.subscribe("Outbound", ["reviews"]);
  subscriber.flush();
  proxy.acknowledge();
  expect(subscriber.revision).toBe(0);
  expect(proxy.lines).toEqual(["+Endpoint v1#b e1", "+Outbound reviews o1"]);
  proxy.acknowledge();
  expect(subscriber.revision).toBe(1);
});

test("a rejected change is visible, is not repeated, and keeps the proxy from its revision", () => {
  const { connect, source, core } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.put("Outbound", "reviews", "bad", ["v1"]).commit();
  proxy.reject("Outbound reviews: regex too large");
  expect(proxy.staged).toBeUndefined();
  expect(proxy.subscriber.revision).toBe(1);
  expect(core.statuses()[0]?.rejection).toMatchObject({ message: "Outbound reviews: regex too large" });
  source.put("Name", "reviews.local", "n2").commit();
  expect(proxy.staged).toBeUndefined();
  source.put("Outbound", "reviews", "o3", ["v1"]).commit();
  expect(proxy.lines).toEqual(["+Outbound reviews o3"]);
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(4);
  expect(core.statuses()[0]?.rejection).toBeUndefined();
});

test("going back to what was before the rejected one is sent: the proxy may have either", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge();
  source.put("Inbound", "shop/web", "bad").commit();
  proxy.reject();
  source.put("Inbound", "shop/web", "i1").commit();
  expect(proxy.lines).toEqual(["+Inbound shop/web i1"]);
  expect(proxy.acknowledge().subscriber.revision).toBe(3);
});

test("all of a rejected change is sent again once one part of it differs", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge();
  source.put("Inbound", "shop/web", "bad").put("Mesh", "mesh", "m2").commit();
  proxy.reject();
  source.put("Inbound", "shop/web", "i3").commit();
  expect(proxy.lines).toEqual(["+Inbound shop/web i3", "+Mesh mesh m2"]);
});

test("a rejection says nothing of what comes after it", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.put("Outbound", "reviews", "bad", ["v1"]).commit();
  proxy.reject();
  proxy.subscribe("Name", "reviews.local");
  expect(proxy.lines).toEqual(["+Name reviews.local n1"]);
});

test("what the proxy still runs after a rejection stays and stays up to date", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge().subscribe("Outbound", "reviews").acknowledge();
  source.put("Outbound", "reviews", "bad", ["v2"]).commit();
  proxy.reject();
  // It may have taken v1 away and kept the old route: told anew, once, and without what was rejected.
  expect(proxy.lines).toEqual(["+Cluster v1 c1", "+Endpoint v1#a e1", "+Endpoint v1#b e1"]);
  proxy.acknowledge();
  expect(proxy.staged).toBeUndefined();
  source.put("Endpoint", "v1#b", "e2").publish();
  expect(proxy.lines).toEqual(["+Endpoint v1#b e2"]);
  proxy.acknowledge();
  source.put("Outbound", "reviews", "o3", ["v2"]).commit();
  expect(proxy.lines).toContain("+Outbound reviews o3");
  expect(proxy.lines).toContain("-Cluster v1");
  expect(proxy.acknowledge().subscriber.revision).toBe(3);
});

test("what a new outbound needs is sent although it was caught up in a rejection", () => {
  const { connect, source } = shop();
  source.put("Outbound", "poison", "bad", ["v2"]).put("Outbound", "good", "o1", ["v2"]).publish();
  const proxy = connect().acknowledge().subscribe("Outbound", "poison").reject();
  proxy.subscribe("Outbound", "good");
  expect(proxy.lines).toEqual(["+Cluster v2 c1", "+Endpoint v2#a e1", "+Outbound good o1"]);
});

test("part of a change may be rejected alone", () => {
  const { connect, source } = shop();
  const proxy = connect().acknowledge();
  source.put("Inbound", "shop/web", "bad").put("Mesh", "mesh", "m2").commit();
  proxy.reject("Inbound", ({ kind }) => kind === "Inbound");
  expect(proxy.subscriber.revision).toBe(1);
  source.put("Mesh", "mesh", "m3").commit();
  expect(proxy.lines).toEqual(["+Mesh mesh m3"]);
});

test("stale answers are ignored", () => {
  const { connect, source } = shop();
  const proxy = connect();
  const first = proxy.staged?.sequence ?? 0;
  proxy.acknowledge();
  source.put("Inbound", "shop/web", "i2").commit();
  proxy.subscriber.acknowledge(first);
  proxy.subscriber.reject(first, "late");
  expect(proxy.subscriber.revision).toBe(1);
  expect(proxy.subscriber.rejection).toBeUndefined();
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(2);
});

test("an answer to what was given up meanwhile is not remembered", () => {
  const { connect } = shop();
  const proxy = connect().acknowledge().subscribe("Name", "reviews.local");
  proxy.unsubscribe("Name", "reviews.local").acknowledge();
  expect(proxy.staged).toBeUndefined();
  expect(proxy.subscribe("Name", "reviews.local").lines).toEqual(["+Name reviews.local n1"]);
});

test("a gateway with the wildcard gets every gateway that is there, comes and goes", () => {
  const { source, core } = shop();
  source.put("Gateway", "shop/edge", "g1", ["v1"]).publish();
  const proxy = new FakeProxy(core, proxyIdentity("gw", "gateway"));
  proxy.subscriber.subscribeAllGateways();
  proxy.subscriber.flush();
  expect(proxy.lines).toEqual([
    "+Cluster v1 c1",
    "+Endpoint v1#a e1",
    "+Endpoint v1#b e1",
    "+Gateway shop/edge g1",
    "+Mesh mesh m1",
  ]);
  proxy.acknowledge();
  source.put("Gateway", "shop/second", "g1", ["v2"]).commit();
  expect(proxy.subscriber.revision).toBe(1);
  expect(proxy.lines).toEqual(["+Cluster v2 c1", "+Endpoint v2#a e1", "+Gateway shop/second g1"]);
  proxy.acknowledge();
  expect(proxy.subscriber.revision).toBe(2);
  source.remove("Gateway", "shop/edge").commit();
  expect(proxy.lines).toEqual(["-Gateway shop/edge", "-Endpoint v1#a", "-Endpoint v1#b", "-Cluster v1"]);
});

test("too many names are refused as a whole", () => {
  const { connect } = shop();
  const proxy = connect().acknowledge();
  const names = Array.from({ length: 16_384 }, (_, i) => `n${i}`);
  expect(proxy.subscriber.subscribe("Name", names)).toBe("ok");
  expect(proxy.subscriber.subscribe("Name", ["one-more"])).toBe("too_many");
  expect(proxy.subscriber.subscribe("Name", ["n0", "n1"])).toBe("ok");
});

test("a change to very many proxies goes out in slices", () => {
  const { connect, source, clock } = shop();
  const proxies = Array.from({ length: 600 }, (_, i) => connect(`p${i}`).acknowledge());
  source.put("Mesh", "mesh", "m2").commit();
  const sent = (): number => proxies.filter((proxy) => proxy.staged !== undefined).length;
  expect(sent()).toBe(256);
  expect(proxies.every((proxy) => proxy.subscriber.revision === 1)).toBe(true);
  clock.advance(0);
  expect(sent()).toBe(600);
});

test("when the last one is gone the source may forget everything", () => {
  const { connect, source, core } = shop();
  const one = connect().acknowledge().subscribe("Outbound", "reviews").settle();
  const two = connect("other").acknowledge().subscribe("Outbound", "reviews", "nothing").settle();
  core.closeSubscriber(one.subscriber);
  expect(source.tracked).toContain("Outbound reviews");
  expect(source.tracked).toContain("members v1");
  core.closeSubscriber(two.subscriber);
  expect([...source.tracked]).toEqual([]);
  source.put("Outbound", "reviews", "o2", ["v2"]).commit();
  expect([...source.tracked]).toEqual([]);
  expect(core.statuses()).toEqual([]);
});
