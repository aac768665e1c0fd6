/** Clients that drip one byte a second, or stop: each is done with in a stated time. On a clock that the tests move. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { LimitsSchema, Protocol } from "../../model/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import { eventually } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const limits = { headerTimeoutMs: 15_000, bodyIdleTimeoutMs: 20_000, idleTimeoutMs: 120_000 };
/** The sweep looks once a second, and the first byte may come just after it has. */
const slackMs = 2_000;

interface Fixture {
  readonly mesh: TestMesh;
  readonly clock: VirtualClock;
  readonly proxy: RunningProxy;
  readonly port: number;
}

async function fixture(
  app?: { readonly port: number },
  protocol: Protocol = Protocol.HTTP,
): Promise<Fixture> {
  const mesh = new TestMesh();
  mesh.mesh.limits = create(LimitsSchema, limits);
  const clock = new VirtualClock();
  const endpoints = app === undefined ? [] : [(await mesh.server("echo-1", app.port, protocol)).endpoint];
  const { proxy, port } = await mesh.client(endpoints, {}, { clock });
  return { mesh, clock, proxy, port };
}

function reached(proxy: RunningProxy, limit: string): number {
  const line = new RegExp(`^weft_limit_reached_total\\{limit="${limit}"\\} (\\d+)$`, "m");
  return Number(line.exec(proxy.metricsText())?.[1] ?? 0);
}

/** Lets the sockets of this process be read. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Writes a byte a second, again and again the last ones, until the connection is gone. Returns how long that took. */
async function drip(peer: RawClient, clock: VirtualClock, bytes: Uint8Array): Promise<number> {
  const end = { isSeen: false };
  const watch = async (): Promise<void> => {
    await peer.toEnd();
    end.isSeen = true;
  };
  void watch();
  for (let elapsedMs = 0; elapsedMs < 200_000; elapsedMs += 1_000) {
    if (end.isSeen) return elapsedMs;
    const at = elapsedMs / 1_000;
    peer.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    await turns();
    clock.advance(1_000);
    await turns();
  }
  throw new Error("the connection outlived 200 s of dripping");
}

/** A second after another, for a minute or until something happens. */
async function tick(clock: VirtualClock, hasHappened: () => boolean): Promise<void> {
  for (let seconds = 0; seconds < 60 && !hasHappened(); seconds++) {
    clock.advance(1_000);
    await turns();
  }
}

const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const emptySettings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const settingsAck = [0, 0, 0, 4, 1, 0, 0, 0, 0];
const unfinishedHeaders = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82];
const longContinuation = [0, 1, 0, 9, 0, 0, 0, 0, 1];

describe("one byte a second", () => {
  test.each([
    ["an HTTP/1.1 head", "", "GET / HTTP/1.1\r\nx: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "header_timeout"],
    ["HTTP/2's preface", "", http2Preface.toString(), "header_timeout"],
  ])("of %s", async (_name, first, rest, limit) => {
    const { mesh, clock, proxy, port } = await fixture();
    await using _ = mesh;
    const peer = await RawClient.connect(port);
    peer.write(first);
    const elapsedMs = await drip(peer, clock, Buffer.from(rest));
    expect(elapsedMs).toBeGreaterThanOrEqual(limits.headerTimeoutMs);
    expect(elapsedMs).toBeLessThanOrEqual(limits.headerTimeoutMs + slackMs);
    expect(reached(proxy, limit)).toBe(1);
  });

  test("of a chunk's size line", async () => {
    const app = rawServer(() => {});
    const { mesh, clock, proxy, port } = await fixture(app);
    await using _ = mesh;
    const peer = await RawClient.connect(port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n5;a=");
    await eventually(() => app.connections[0]?.received.includes("abc") === true, "the body's beginning");
    const elapsedMs = await drip(peer, clock, Buffer.from("a"));
    expect(elapsedMs).toBeLessThanOrEqual(limits.bodyIdleTimeoutMs + slackMs);
    expect(await peer.toEnd()).toStartWith("HTTP/1.1 408 ");
    expect(reached(proxy, "body_idle_timeout")).toBe(1);
    app.stop();
  });

  test("of HTTP/2's SETTINGS", async () => {
    const { mesh, clock, proxy, port } = await fixture();
    await using _ = mesh;
    const peer = await RawClient.connect(port);
    peer.write(http2Preface);
    const frame = [0, 0, 252, 4, 0, 0, 0, 0, 0, ...Array.from({ length: 252 }, () => 0)];
    const elapsedMs = await drip(peer, clock, Uint8Array.from(frame));
    expect(elapsedMs).toBeLessThanOrEqual(10_000 + slackMs);
    peer.terminate();
    await eventually(() => reached(proxy, "http2_settings_timeout") === 1, "counted");
  });

  test.each([
    ["HEADERS", [0, 1, 0, 1, 4, 0, 0, 0, 1]],
    ["CONTINUATION", [...unfinishedHeaders, ...longContinuation]],
  ])("of HTTP/2's %s", async (_name, frames) => {
    const { mesh, clock, proxy, port } = await fixture();
    await using _ = mesh;
    const peer = await RawClient.connect(port);
    peer.write(http2Preface);
    peer.write(Uint8Array.from([...emptySettings, ...settingsAck, ...frames]));
    const elapsedMs = await drip(peer, clock, Uint8Array.of(0));
    expect(elapsedMs).toBeGreaterThanOrEqual(limits.headerTimeoutMs);
    expect(elapsedMs).toBeLessThanOrEqual(limits.headerTimeoutMs + slackMs);
    expect(reached(proxy, "header_timeout")).toBe(1);
    peer.terminate();
    await eventually(() => proxy.metricsText().includes('error_type="client_timeout"'), "recorded");
  });
});

describe("silence", () => {
  test("between two requests ends the connection after the idle timeout", async () => {
    const { mesh, clock, proxy, port } = await fixture();
    await using _ = mesh;
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).status).toBe(503);
    clock.advance(limits.idleTimeoutMs - 1_000);
    expect(reached(proxy, "idle_timeout")).toBe(0);
    clock.advance(slackMs);
    expect(await peer.toEnd()).toBe("");
    expect(reached(proxy, "idle_timeout")).toBe(1);
  });

  test("of an HTTP/2 request's body fails that request alone", async () => {
    const app = new Http2Server(() => {});
    const { mesh, clock, proxy, port } = await fixture(app, Protocol.HTTP2);
    await using _ = mesh;
    const peer = await Http2Client.connect(port);
    const stalled = peer.post("/", null);
    stalled.stream?.write(Buffer.from("part"));
    const waiting = peer.get("/");
    await eventually(() => app.requests.length === 2, "both requests");
    await eventually(() => app.requests[0]?.message.body === "part", "the body's beginning");
    clock.advance(limits.bodyIdleTimeoutMs + slackMs);
    expect((await stalled.ended()).status).toBe(408);
    expect(reached(proxy, "body_idle_timeout")).toBe(1);
    app.requests[1]?.answer([[":status", "200"]], "late");
    expect((await waiting.ended()).body).toBe("late");
    peer.close();
    app.stop();
  });

  test("of a gRPC call that has begun is the application's business", async () => {
    const app = new Http2Server(() => {});
    const { mesh, clock, port } = await fixture(app, Protocol.GRPC);
    await using _ = mesh;
    const peer = await Http2Client.connect(port);
    const watch = peer.post("/s/m", null, [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]);
    watch.stream?.write(Buffer.from([0, 0, 0, 0, 0]));
    await eventually(() => app.requests[0]?.message.body.length === 5, "the first message");
    // Not in one leap: the connections' own signs of life want to be exchanged.
    await tick(clock, () => watch.outcome !== undefined);
    app.requests[0]?.answer([[":status", "200"]], "event", [["grpc-status", "0"]]);
    expect((await watch.ended()).body).toBe("event");
    peer.close();
    app.stop();
  });

  test("of a window ends a response whose client takes no more of it", async () => {
    const large = "x".repeat(2 * 1_048_576);
    const app = new Http2Server((request) =>
      request.answer([[":status", "200"]], request.fields.get(":path") === "/large" ? large : "small"),
    );
    const { mesh, clock, proxy, port } = await fixture(app, Protocol.HTTP2);
    await using _ = mesh;
    const peer = await Http2Client.connect(port);
    const stalled = peer.get("/large");
    stalled.stream?.pause();
    await stalled.until(() => stalled.body.length >= 262_144, "a window's worth");
    await tick(clock, () => stalled.outcome !== undefined);
    expect(stalled.outcome).toMatchObject({ kind: "reset", by: "peer", code: "cancel" });
    expect(reached(proxy, "body_idle_timeout")).toBe(1);
    expect((await peer.get("/").ended()).body).toBe("small");
    peer.close();
    app.stop();
  });
});
