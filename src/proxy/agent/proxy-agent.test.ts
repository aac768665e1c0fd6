/** The agent as a whole: start from disk, readiness, membership, telemetry, rotation. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { silentLog, WeftError } from "../../kernel/index.ts";
import { InboundSchema, MeshSchema } from "../../model/index.ts";
import { TelemetryReportSchema } from "../../wire/index.ts";
import { LastGoodFile } from "./last-good.ts";
import { AgentHarness, inbound, mesh, outboundKeyOfReviews as key } from "./test/agent-harness.ts";
import { FakeControlPlane, type Payload, payload } from "./test/fake-control-plane.ts";
import { settle, until } from "./test/settle.ts";
import { TestAuthority } from "./test/test-mesh.ts";

let h: AgentHarness;
beforeEach(() => {
  h = new AgentHarness();
});
afterEach(() => h.dispose());

describe("with the control plane down", () => {
  test("a proxy serves what it served before, with the certificate it had, and asks for the same when it is back", async () => {
    await h.withOutbound();
    h.plane.push("Inbound", [inbound]);
    h.plane.commit(3);
    h.clock.advance(1000);
    const file = join(h.directory, "data", "last-good.bin");
    await until(
      () => existsSync(file) && existsSync(join(h.directory, "data", "identity.json")),
      "files are written",
    );
    const before = h.agent.identity();
    h.agent.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);

    h.plane = new FakeControlPlane();
    h.plane.isDown = true;
    h.start();
    await h.agent.ready();
    expect(h.agent.identity().certChainPem).toBe(before.certChainPem);
    expect(h.agent.snapshot.revision).toBe(3);
    expect(h.agent.snapshot.outbound(key)).toMatchObject({ outbound: { host: "v1" } });
    expect(h.agent.snapshot.endpoints("shop/reviews:80").length).toBe(1);
    expect(h.agent.snapshot.inboundTable).toBeDefined();
    h.plane.isDown = false;
    await settle();
    h.clock.advance(5000);
    await settle();
    expect(h.plane.take().find(({ kind }) => kind === "Outbound")).toMatchObject({
      subscribe: [key],
      versions: { [key]: "1" },
    });
  });

  test("a proxy that is killed as it acknowledges a change does not come back behind it", async () => {
    const notAsked = (): never => {
      throw new Error("a start writes nothing");
    };
    const admitting = (port: number): Payload =>
      payload("shop/web-1", InboundSchema, { workload: "shop/web-1", ports: [{ port }] }, String(port));
    await h.online();
    h.plane.push("Inbound", [admitting(1)]);
    h.plane.commit(2);
    const file = join(h.directory, "data", "last-good.bin");
    h.clock.advance(1_000);
    await until(() => existsSync(file), "the file is written");
    h.plane.take();
    // Right behind a write: the next one of what is only new would wait for a second.
    for (const port of [2, 3, 4]) {
      h.plane.push("Inbound", [admitting(port)]);
      const last = h.plane.commit(port + 1);
      expect(h.agent.snapshot.revision).toBe(port + 1);
      expect(h.plane.sent).toEqual([]);
      await until(() => {
        h.clock.advance(60);
        return h.plane.sent.some(({ nonce }) => nonce === last);
      }, "it is acknowledged");
      h.plane.take();
      const stored = new LastGoodFile({
        path: file,
        clock: h.clock,
        log: silentLog,
        current: notAsked,
      }).load();
      expect(stored?.revision).toBe(port + 1);
    }
  });

  test.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length - 3)],
    [
      "changed",
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]),
    ],
    ["empty", () => Buffer.alloc(0)],
  ])("a last good configuration that is %s is left aside", async (_, damage) => {
    await h.withOutbound();
    h.clock.advance(1000);
    const file = join(h.directory, "data", "last-good.bin");
    await until(() => existsSync(file), "the file is written");
    h.agent.close();
    writeFileSync(file, damage(readFileSync(file)), { mode: 0o600 });
    h.start();
    expect(h.agent.snapshot.revision).toBe(0);
    expect(h.lines.join("")).toContain("last good configuration");
  });
});

describe("readiness", () => {
  test("needs a certificate and the mesh, and a sidecar that was announced its inbound", async () => {
    h.start();
    let isReady = false;
    void h.agent.ready().then(() => (isReady = true));
    await settle();
    expect([isReady, h.agent.status.isReady]).toEqual([false, false]);
    h.plane.push("Mesh", [mesh()]);
    h.plane.commit(1);
    await settle();
    expect([isReady, h.agent.status.isReady]).toEqual([true, true]);
    h.agent.announce({ address: "10.77.0.2", port: 15_008 });
    expect(h.agent.status.isReady).toBe(false);
    h.plane.push("Inbound", [inbound]);
    h.plane.commit(2);
    expect(h.agent.status.isReady).toBe(true);
  });

  test("never comes once the agent is closed, and waiting lookups are told", async () => {
    h.start();
    const results: unknown[] = [];
    h.agent.resolveOutbound(key, 2000, (outcome) => results.push(outcome));
    const ready = h.agent.ready();
    h.agent.close();
    await expect(ready).rejects.toThrow("closed before");
    h.agent.resolveOutbound(key, 2000, (outcome) => results.push(outcome));
    expect(results).toEqual(["unavailable", "unavailable"]);
  });
});

describe("membership", () => {
  test("is registered once announced, again on each stream, and taken back in order", async () => {
    await h.online();
    expect(h.plane.registered).toEqual([]);
    h.agent.announce({ address: "10.77.0.2", port: 25_008 });
    await settle();
    expect(h.plane.registered[0]).toMatchObject({
      namespace: "shop",
      name: "web-1",
      serviceAccount: "web",
      tunnelPort: 25_008,
      labels: { app: "web" },
    });
    h.plane.cut();
    h.clock.advance(100);
    await settle();
    expect(h.plane.registered.length).toBe(2);
    const order: string[] = [];
    await h.agent.drainAndLeave(async () => void order.push(`drained after ${h.plane.left.length}`));
    expect(order).toEqual(["drained after 1"]);
    expect(h.plane.left.map(({ drainOnly }) => drainOnly)).toEqual([true, false]);
    expect(h.plane.isOpen).toBe(false);
  });

  test("is tried again when it is refused, and said once", async () => {
    await h.online();
    let refusals = 3;
    h.plane.onRegister = () => {
      if (refusals-- > 0) throw new WeftError("conflict", "10.77.0.2 belongs to workload shop/other");
    };
    h.agent.announce({ address: "10.77.0.2", port: 15_008 });
    for (let i = 0; i < 20; i++) {
      await settle();
      h.clock.advance(200);
    }
    expect(h.plane.registered.length).toBe(1);
    expect(h.lines.filter((line) => line.includes("belongs to workload")).length).toBe(1);
  });

  test("does not keep a shutdown from ending when the control plane is down", async () => {
    await h.online();
    h.agent.announce({ address: "10.77.0.2", port: 15_008 });
    h.plane.isDown = true;
    h.plane.cut();
    await h.agent.drainAndLeave(async () => {});
    expect(h.plane.left).toEqual([]);
  });
});

describe("telemetry", () => {
  const report = (proxy: string) => create(TelemetryReportSchema, { proxy });

  test("goes up at the interval that the control plane asks for", async () => {
    await h.online();
    h.plane.intervalMs = 10_000;
    let count = 0;
    h.agent.reportTelemetry({ take: () => report(`r${++count}`) });
    h.clock.advance(2000);
    await settle();
    expect(h.plane.reports.map(({ proxy }) => proxy)).toEqual(["r1"]);
    h.clock.advance(9999);
    await settle();
    expect(h.plane.reports.length).toBe(1);
    h.clock.advance(1);
    await settle();
    expect(h.plane.reports.length).toBe(2);
  });

  test("waits while the control plane is away, loses only the oldest, and goes up in order", async () => {
    await h.online();
    let count = 0;
    h.agent.reportTelemetry({ take: () => report(`r${++count}`) });
    h.plane.isDown = true;
    h.plane.cut();
    for (let i = 0; i < 35; i++) {
      h.clock.advance(2000);
      await settle();
    }
    h.plane.isDown = false;
    for (let i = 0; i < 4; i++) {
      h.clock.advance(2000);
      await settle();
    }
    const numbers = h.plane.reports.map(({ proxy }) => Number(proxy.slice(1)));
    expect(numbers.length).toBeGreaterThanOrEqual(30);
    expect(numbers[0]).toBeGreaterThan(1);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => (numbers[0] ?? 0) + i));
  });

  test("of many series goes up part by part, the next one when the one before has gone", async () => {
    await h.online();
    let left = 3;
    const source = {
      take: () => report(`p${left--}`),
      get hasMore() {
        return left > 0;
      },
    };
    h.agent.reportTelemetry(source);
    h.clock.advance(2000);
    await settle();
    expect(h.plane.reports.map(({ proxy }) => proxy)).toEqual(["p3", "p2", "p1"]);
  });

  test("that is lost is told to whoever counts it", async () => {
    await h.online();
    let dropped = 0;
    h.agent.reportTelemetry({ take: () => report("r"), dropped: () => void dropped++ });
    h.plane.isDown = true;
    h.plane.cut();
    for (let i = 0; i < 35; i++) {
      h.clock.advance(2000);
      await settle();
    }
    expect(dropped).toBe(5);
  });

  test("of the end is sent before leaving", async () => {
    await h.online();
    const rest = [report("last")];
    h.agent.reportTelemetry({ take: () => rest.shift() });
    await h.agent.drainAndLeave(async () => {});
    expect(h.plane.reports.map(({ proxy }) => proxy)).toEqual(["last"]);
  });
});

describe("the certificate", () => {
  test("is renewed while it runs: a new key, a new connection, the same configuration", async () => {
    await h.withOutbound();
    const first = h.agent.identity();
    const seen: string[] = [];
    h.agent.onIdentity(({ certChainPem }) => void seen.push(certChainPem));
    const tokens: (string | undefined)[] = [];
    const issue = h.plane.onIssue;
    h.plane.onIssue = (request, token) => {
      tokens.push(token);
      return issue(request, token);
    };
    h.clock.advance(9 * 3_600_000);
    await settle();
    expect(seen).toEqual([]);
    for (let i = 0; i < 4; i++) {
      h.clock.advance(3_600_000);
      await settle();
    }
    expect(seen.length).toBe(1);
    expect(tokens).toEqual([undefined]);
    expect(h.agent.identity().privateKeyPem).not.toBe(first.privateKeyPem);
    expect([h.plane.renewals, h.plane.streams]).toEqual([2, 2]);
    expect(h.agent.status.isConnected).toBe(true);
  });

  test("trusts the roots that the mesh's configuration names", async () => {
    await h.online();
    const other = new TestAuthority(h.clock.nowMs());
    const roots = [h.authority.rootDer, other.rootDer].map((der) => Uint8Array.from(der));
    const seen: number[] = [];
    h.agent.onIdentity(
      ({ trustRootsPem }) => void seen.push(trustRootsPem.split("BEGIN CERTIFICATE").length - 1),
    );
    h.plane.push("Mesh", [payload("mesh", MeshSchema, { trustDomain: "test.weft", trustRoots: roots }, "2")]);
    h.plane.commit(2);
    expect(seen).toEqual([2]);
    expect(h.agent.identity().trustRootsPem).toContain(other.rootPem);
  });

  test("and its key are in no line of the log", async () => {
    await h.online();
    h.plane.onIssue = () => {
      throw new WeftError("unavailable", "away");
    };
    for (let i = 0; i < 30; i++) {
      h.clock.advance(3_600_000);
      await settle();
    }
    const body = h.agent.identity().privateKeyPem.split("\n")[1] ?? "";
    expect(body.length).toBeGreaterThan(20);
    expect(h.lines.length).toBeGreaterThan(0);
    expect(h.lines.join("")).not.toContain(body);
    expect(h.lines.join("")).not.toContain("weft-join-abc");
  });
});
