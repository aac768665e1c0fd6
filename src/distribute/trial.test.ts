/** A second source for some subscribers: they are moved without losing anything, and come back. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

function shop(): FakeSource {
  return new FakeSource()
    .put("Mesh", "mesh", "m1")
    .put("Inbound", "shop/web", "i1")
    .put("Inbound", "shop/api", "i1")
    .put("Outbound", "reviews", "o1", ["v1"])
    .put("Outbound", "same", "s1", ["v1"])
    .put("Cluster", "v1", "c1")
    .put("Endpoint", "v1#a", "e1")
    .put("Cluster", "v2", "c1")
    .put("Endpoint", "v2#a", "e1");
}

function start() {
  const [base, tried] = [shop(), shop()];
  tried.put("Outbound", "reviews", "o2", ["v2"]);
  const core = new SubscriptionCore(base, new VirtualClock());
  const connect = (name: string, state?: Map<string, string>): FakeProxy => {
    const proxy = new FakeProxy(core, proxyIdentity(name), state);
    proxy.subscribe("Outbound", "reviews", "same").settle();
    return proxy;
  };
  const trial = (...chosen: readonly string[]) =>
    core.setTrial({ source: tried, isChosen: (id) => chosen.includes(id) });
  return { base, tried, core, connect, trial };
}

describe("a trial", () => {
  test("sends a chosen proxy what differs, make before break, and nobody else anything", () => {
    const { connect, trial } = start();
    const [web, api] = [connect("web"), connect("api")];
    trial("shop/web");
    expect(web.lines).toEqual(["+Cluster v2 c1", "+Endpoint v2#a e1", "+Outbound reviews o2"]);
    expect(api.lines).toEqual([]);
    web.settle();
    // What only the old one needed stays as long as another needs it.
    expect(web.state.get("Cluster v1")).toBe("c1");
  });

  test("keeps no proxy from its revision, and follows both sources", () => {
    const { base, tried, core, connect, trial } = start();
    const [web, api] = [connect("web"), connect("api")];
    trial("shop/web");
    web.settle();
    base.put("Outbound", "same", "s2", ["v1"]).commit();
    expect([web.lines, api.lines]).toEqual([[], ["+Outbound same s2"]]);
    tried.put("Outbound", "same", "s2", ["v1"]).commit();
    expect(web.lines).toEqual(["+Outbound same s2"]);
    expect(core.statuses().map(({ revision, isOnTrial }) => [revision, isOnTrial])).toEqual([
      [1, true],
      [1, false],
    ]);
    web.settle();
    api.settle();
    expect(core.statuses().map(({ revision }) => revision)).toEqual([2, 2]);
  });

  test("ends: who was chosen gets back what it had, and the other source is forgotten", () => {
    const { base, tried, core, connect, trial } = start();
    const web = connect("web");
    trial("shop/web");
    web.settle();
    core.setTrial(undefined);
    expect(web.lines).toEqual(["+Outbound reviews o1", "-Endpoint v2#a", "-Cluster v2"]);
    web.settle();
    expect([...tried.tracked]).toEqual([]);
    base.put("Outbound", "reviews", "o3", ["v1"]).commit();
    expect(web.lines).toEqual(["+Outbound reviews o3"]);
  });

  test("takes more proxies without touching those it has, and those that join", () => {
    const { connect, trial } = start();
    const [web, api] = [connect("web"), connect("api")];
    trial("shop/web");
    web.settle();
    trial("shop/web", "shop/api", "shop/late");
    expect(web.lines).toEqual([]);
    expect(api.lines).toContain("+Outbound reviews o2");
    api.settle();
    expect(connect("late").state.get("Outbound reviews")).toBe("o2");
  });

  test("in the middle of a change waits for its answer, and what is rejected is replaced", () => {
    const { base, core, connect, trial } = start();
    const web = connect("web");
    base.put("Outbound", "reviews", "o1b", ["v1"]).commit();
    expect(web.lines).toEqual(["+Outbound reviews o1b"]);
    trial("shop/web");
    web.reject("cannot");
    expect(web.lines).toContain("+Outbound reviews o2");
    web.reject("cannot either");
    expect(core.statuses()[0]?.rejection?.message).toBe("cannot either");
    core.setTrial(undefined);
    expect(web.lines).toContain("+Outbound reviews o1b");
    web.settle();
    expect(core.statuses()[0]?.rejection).toBeUndefined();
  });

  test("tells beforehand whom it would touch", async () => {
    const { tried, core, connect } = start();
    connect("web");
    const api = new FakeProxy(core, proxyIdentity("api"));
    api.subscriber.flush();
    expect(await core.touchedBy(tried, async () => {})).toEqual(new Set(["shop/web"]));
  });

  test("leaves every proxy with what its source has, whatever happens in between", () => {
    const random = mulberry(20261127);
    const pick = <T>(first: T, ...more: readonly T[]): T =>
      more[Math.floor(random() * (more.length + 1)) - 1] ?? first;
    for (let round = 0; round < 60; round++) {
      const { base, tried, core, connect, trial } = start();
      const [web, api, late] = [connect("web"), connect("api"), connect("late")];
      for (let step = 0; step < 40; step++) {
        const source = pick(base, tried);
        const [service, version] = [pick("reviews", "same"), `o${step}`];
        pick(
          () => void source.put("Outbound", service, version, [pick("v1", "v2")]).commit(),
          () => void source.put("Endpoint", pick("v1#b", "v2#b"), version).publish(),
          () => void source.remove("Endpoint", pick("v1#b", "v2#b")).publish(),
          () => trial(...["shop/web", "shop/api", "shop/late"].filter(() => random() < 0.5)),
          () => core.setTrial(undefined),
          () => void pick(web, api, late).acknowledge(),
          () => void pick(web, api, late).reject(),
        )();
      }
      const chosen = pick<string[]>([], ["shop/web"], ["shop/web", "shop/late"]);
      trial(...chosen);
      // What was rejected, removals too, is sent again once it changes: everything does.
      for (const source of [base, tried]) {
        source.put("Endpoint", "v1#b", "between").put("Endpoint", "v2#b", "between");
        for (const name of ["reviews", "same"]) source.put("Outbound", name, "between", ["v1", "v2"]);
        source.commit();
      }
      for (const proxy of [web, api, late]) proxy.settle();
      for (const source of [base, tried]) {
        source.put("Cluster", "v1", "end").put("Endpoint", "v1#a", "end").remove("Endpoint", "v1#b");
        for (const name of ["reviews", "same"]) source.put("Outbound", name, `end${name}`, ["v1"]);
        source.commit();
      }
      for (const proxy of [web, api, late]) {
        proxy.settle();
        const expected = {
          "Outbound reviews": "endreviews",
          "Outbound same": "endsame",
          "Cluster v1": "end",
          "Endpoint v1#a": "end",
        };
        expect(Object.fromEntries([...proxy.state].filter(([id]) => !/^(Mesh|Inbound)/.test(id)))).toEqual(
          expected,
        );
      }
    }
  });
});

/** Small and seeded, so that a failure can be seen again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
