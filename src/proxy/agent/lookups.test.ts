/** Lookups of the data path: answered at once, later, not at all. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { AddressSchema } from "../../model/index.ts";
import { AgentHarness, endpoint, mesh, outbound, outboundKeyOfReviews as key } from "./test/agent-harness.ts";
import { payload } from "./test/fake-control-plane.ts";
import { settle } from "./test/settle.ts";

let h: AgentHarness;
beforeEach(() => {
  h = new AgentHarness();
});
afterEach(() => h.dispose());

describe("a lookup", () => {
  test("is answered at once where it is known, and asks nothing", async () => {
    await h.withOutbound();
    let result: unknown;
    expect(h.agent.resolveOutbound(key, 2000, (outcome) => (result = outcome))).toBeUndefined();
    expect(result).toBe(h.agent.snapshot.outbound(key));
    await settle();
    expect(h.plane.take()).toEqual([]);
  });

  test("asks once for many in one event, and answers with the closure in place", async () => {
    await h.online();
    const results: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      h.agent.resolveOutbound(key, 2000, (outcome) =>
        results.push([outcome, h.agent.snapshot.endpoints("shop/reviews:80").length]),
      );
    }
    h.agent.resolveAddress("240.240.0.1", 2000, () => {});
    await settle();
    expect(h.plane.take().map(({ kind, subscribe }) => [kind, subscribe])).toEqual([
      ["Outbound", [key]],
      ["Address", ["240.240.0.1"]],
    ]);
    h.plane.push("Endpoint", [endpoint]);
    h.plane.push("Outbound", [outbound()]);
    expect(results).toEqual([]);
    h.plane.commit(2);
    expect(results).toEqual(Array(3).fill([h.agent.snapshot.outbound(key), 1]));
  });

  test("of what does not exist is answered so, and remembered", async () => {
    await h.online();
    const results: unknown[] = [];
    h.agent.resolveName("nobody.shop.svc.cluster.local", 2000, (outcome) => results.push(outcome));
    await settle();
    h.plane.push("Name", [], ["nobody.shop.svc.cluster.local"]);
    h.plane.commit(2);
    h.plane.take();
    h.agent.resolveName("nobody.shop.svc.cluster.local", 2000, (outcome) => results.push(outcome));
    expect(results).toEqual(["unknown", "unknown"]);
    await settle();
    expect(h.plane.take()).toEqual([]);
  });

  test("gives up at its deadline, and the answer is there for the next one", async () => {
    await h.online();
    const results: unknown[] = [];
    h.agent.resolveOutbound(key, 2000, (outcome) => results.push(outcome));
    h.clock.advance(2000);
    expect(results).toEqual(["unavailable"]);
    h.plane.push("Outbound", [outbound()]);
    h.plane.commit(2);
    expect(results.length).toBe(1);
    h.agent.resolveOutbound(key, 2000, (outcome) => results.push(outcome));
    expect(results[1]).toMatchObject({ key });
  });

  test("while there is no control plane is asked for on the next stream", async () => {
    await h.online();
    h.plane.cut();
    h.agent.resolveOutbound(key, 2000, () => {});
    h.clock.advance(100);
    await settle();
    expect(h.plane.take().find(({ kind }) => kind === "Outbound")?.subscribe).toEqual([key]);
  });

  test("of a declared upstream needs nobody, however late its first is", async () => {
    const upstream = { address: "127.0.0.1", port: 18_000, service: "shop/reviews", servicePort: 80 };
    h.capture = { kind: "explicit", outbound: [upstream] };
    h.start();
    await settle();
    expect(h.plane.take().map(({ kind, subscribe }) => [kind, subscribe])).toEqual([
      ["Mesh", []],
      ["Outbound", [key]],
    ]);
    h.plane.push("Mesh", [mesh()]);
    h.plane.push("Outbound", [outbound()]);
    h.plane.commit(1);
    h.plane.isDown = true;
    h.plane.cut();
    h.clock.advance(3_600_000);
    let result: unknown;
    h.agent.resolveOutbound(key, 2000, (outcome) => (result = outcome));
    expect(result).toMatchObject({ outbound: { host: "v1" } });
  });

  test("that nobody uses any more ends the subscription, and a late answer to it is dropped", async () => {
    await h.withOutbound();
    h.clock.advance(50_000);
    h.agent.touch("Outbound", key);
    h.clock.advance(50_000);
    expect(h.agent.snapshot.outbound(key)).toBeDefined();
    h.clock.advance(75_000);
    await settle();
    expect(h.agent.snapshot.outbound(key)).toBeUndefined();
    expect(h.plane.take().map(({ kind, unsubscribe }) => [kind, unsubscribe])).toEqual([["Outbound", [key]]]);
    h.plane.push("Outbound", [outbound("2")]);
    h.plane.commit(3);
    expect(h.agent.snapshot.outbound(key)).toBeUndefined();
    expect(h.agent.status.subscriptions).toBe(0);
  });

  test("whose callback fails does not keep others from their answer", async () => {
    await h.online();
    const results: unknown[] = [];
    h.agent.resolveOutbound(key, 2000, () => {
      throw new Error("a defect");
    });
    h.agent.resolveOutbound(key, 2000, (outcome) => results.push(outcome));
    h.plane.push("Outbound", [outbound()]);
    h.plane.commit(2);
    expect(results.length).toBe(1);
    expect(h.lines.join("")).toContain("a defect");
  });

  test("ahead of a dial asks for the outbounds of the address's service", async () => {
    await h.online();
    h.agent.prefetch("240.240.0.1");
    await settle();
    h.plane.take();
    const ports = [80, 81, 82, 83, 84].map((port) => ({ port }));
    h.plane.push("Address", [
      payload("240.240.0.1", AddressSchema, {
        target: { case: "service", value: { namespace: "shop", name: "reviews", ports } },
      }),
    ]);
    h.plane.commit(2);
    await settle();
    const asked = h.plane.take().find(({ kind, subscribe }) => kind === "Outbound" && subscribe.length > 0);
    expect(asked?.subscribe).toEqual([80, 81, 82, 83].map((port) => `shop/reviews:${port}@shop`));
  });
});
