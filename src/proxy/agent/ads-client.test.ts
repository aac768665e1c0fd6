/** The discovery stream against a control plane played by hand: commits, acks, rejections, resuming. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { GatewaySchema } from "../../model/index.ts";
import {
  AgentHarness,
  cluster,
  inbound,
  mesh,
  outbound,
  outboundKeyOfReviews as key,
} from "./test/agent-harness.ts";
import { payload } from "./test/fake-control-plane.ts";
import { settle, until } from "./test/settle.ts";

let h: AgentHarness;
beforeEach(() => {
  h = new AgentHarness();
});
afterEach(() => h.dispose());

describe("the stream", () => {
  test("begins with who we are and nothing else on an empty disk", async () => {
    h.start();
    await settle();
    expect(h.plane.sent).toEqual([
      {
        kind: "Mesh",
        subscribe: [],
        unsubscribe: [],
        versions: {},
        nonce: "",
        error: "",
        node: "shop/web-1",
      },
    ]);
  });

  test("of a gateway asks for all gateways", async () => {
    h.start("gateway");
    await settle();
    expect(h.plane.sent.map(({ kind, subscribe }) => [kind, subscribe])).toEqual([
      ["Mesh", []],
      ["Gateway", ["*"]],
    ]);
    const table = payload("shop/edge", GatewaySchema, {
      source: { namespace: "shop", name: "edge" },
      listeners: [{ name: "http", port: 80 }],
    });
    h.plane.push("Gateway", [table]);
    h.plane.commit(1);
    expect(h.agent.snapshot.gatewayPorts.map(({ port }) => port)).toEqual([80]);
  });

  test("of a gateway says which addresses its machine has, and begins anew when those change", async () => {
    h.start("gateway");
    await settle();
    h.clock.advance(5_000);
    expect(h.plane.nodes.map(({ metadata }) => metadata?.["addresses"])).toEqual([["10.1.0.1"]]);
    h.machineAddresses = ["10.1.0.1", "10.1.0.9"];
    h.clock.advance(5_000);
    await settle();
    h.clock.advance(5_000);
    await settle();
    expect(h.plane.nodes.slice(1).map(({ metadata }) => metadata?.["addresses"])).toEqual([
      ["10.1.0.1", "10.1.0.9"],
    ]);
  });

  test.each([
    ["of a sidecar", "sidecar", { kind: "tcp", address: "" }],
    ["of a gateway on Unix sockets", "gateway", { kind: "unix", directory: "/x", address: "" }],
  ] as const)("%s says nothing of addresses", async (_, role, gateway) => {
    h.gateway = gateway;
    h.start(role);
    await settle();
    h.machineAddresses = [];
    h.clock.advance(5_000);
    await settle();
    expect(h.plane.nodes.map(({ metadata }) => metadata?.["addresses"])).toEqual([undefined]);
  });

  test("makes nothing live and acknowledges nothing before the commit", async () => {
    h.start();
    await settle();
    h.plane.take();
    const first = h.plane.push("Mesh", [mesh()]);
    const second = h.plane.push("Inbound", [inbound]);
    expect(h.agent.snapshot.mesh).toBeUndefined();
    expect(h.plane.take()).toEqual([]);
    const seen: number[] = [];
    h.agent.onSnapshot((snapshot, previous) => {
      seen.push(previous.revision, snapshot.revision, h.plane.sent.length);
    });
    const last = h.plane.commit(7);
    expect(seen).toEqual([0, 7, 0]);
    expect(h.agent.snapshot.inboundTable).toBeDefined();
    expect(h.plane.take().map(({ kind, nonce, error }) => [kind, nonce, error])).toEqual([
      ["Mesh", first, ""],
      ["Inbound", second, ""],
      ["Commit", last, ""],
    ]);
  });

  test("rejects what cannot be used by name, keeps it as it was, and makes the rest live", async () => {
    await h.withOutbound();
    const bad = h.plane.push("Outbound", [outbound("2", "(")]);
    const worse = h.plane.push("Cluster", [{ name: "shop/x:1", bytes: Uint8Array.of(0xff) }, cluster]);
    h.plane.push("Mesh", [mesh("2")]);
    h.plane.commit(3);
    h.clock.advance(60);
    await until(() => h.plane.sent.length >= 4, "the commit is answered");
    const answers = h.plane.take();
    expect(answers.find(({ nonce }) => nonce === bad)?.error).toStartWith(`Outbound ${key}: `);
    expect(answers.find(({ nonce }) => nonce === worse)?.error).toStartWith("Cluster shop/x:1: ");
    expect(answers.filter(({ error }) => error !== "").length).toBe(2);
    // Its neighbour in the response is live, and not in here.
    expect(answers.find(({ nonce }) => nonce === worse)?.refused).toEqual(["shop/x:1"]);
    expect(h.agent.snapshot.revision).toBe(3);
    expect(h.agent.snapshot.outbound(key)).toMatchObject({ outbound: { host: "v1" } });
    expect(h.agent.status.rejected.map((line) => line.split(":")[0])).toEqual([
      "Outbound shop/reviews",
      "Cluster shop/x",
    ]);
    h.plane.push("Outbound", [outbound("3")]);
    h.plane.commit(4);
    expect(h.agent.snapshot.outbound(key)).toMatchObject({ outbound: { host: "v3" } });
    expect(h.agent.status.rejected.length).toBe(1);
  });

  test("rejects a type that it does not know and a resource that says it is another", async () => {
    await h.withOutbound();
    const unknown = h.plane.pushUrl("type.example/Else", []);
    const other = h.plane.push("Outbound", [{ ...outbound("2"), name: "shop/ratings:80@shop" }]);
    h.plane.commit(3);
    const errors = new Map(h.plane.take().map(({ nonce, error }) => [nonce, error]));
    expect(errors.get(unknown)).toContain("does not know this type");
    expect(errors.get(other)).toContain(`"${key}"`);
  });

  test("that breaks loses what was not committed, and resumes with what is live", async () => {
    await h.withOutbound();
    h.plane.push("Outbound", [outbound("2")]);
    h.plane.cut();
    expect(h.agent.status.isConnected).toBe(false);
    expect(h.agent.snapshot.outbound(key)).toMatchObject({ outbound: { host: "v1" } });
    h.clock.advance(100);
    await settle();
    expect(h.plane.streams).toBe(2);
    expect(h.plane.take().map(({ kind, subscribe, versions }) => [kind, subscribe, versions])).toEqual([
      ["Mesh", [], { mesh: "1" }],
      ["Cluster", [], { "shop/reviews:80": "1" }],
      ["Endpoint", [], { "shop/reviews:80/shop/r1": "1" }],
      ["Outbound", [key], { [key]: "1" }],
    ]);
    h.plane.commit(3);
    expect(h.agent.snapshot.outbound(key)).toMatchObject({ outbound: { host: "v1" } });
  });

  test("is tried again ever more rarely, and at once after one that lasted", async () => {
    await h.online();
    h.plane.isDown = true;
    h.clock.advance(60_000);
    h.plane.cut();
    const attempts: number[] = [];
    for (let ms = 0; ms < 20_000; ms += 25) {
      const before = h.plane.streams;
      h.clock.advance(25);
      await settle();
      if (h.plane.streams > before) attempts.push(ms);
    }
    const gaps = attempts.slice(1).map((ms, index) => ms - (attempts[index] ?? 0));
    expect(attempts[0]).toBeLessThan(100);
    expect(gaps.at(-1)).toBeGreaterThan(2000);
    expect(gaps.at(-1)).toBeLessThanOrEqual(4000);
    expect(h.agent.status.lastError).toBe("connection refused");
    h.plane.isDown = false;
    h.clock.advance(4000);
    await settle();
    expect(h.agent.status).toMatchObject({ isConnected: true, lastError: "" });
  });

  test("that brings far too much without a commit is ended", async () => {
    await h.online();
    const streams = h.plane.streams;
    for (let i = 0; i < 3; i++) h.plane.push("Endpoint", [], Array<string>(100_000).fill("shop/a:1/shop/b"));
    expect(h.plane.isOpen).toBe(false);
    h.clock.advance(5000);
    await settle();
    expect(h.plane.streams).toBe(streams + 1);
  });
});
