/** Trouble on purpose, over real sockets and with time moved by hand. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { HttpRoutingSchema, Protocol } from "../../model/index.ts";
import { eventually, settles } from "../testing/eventually.ts";
import { type FaultInit, faultFixture, faultSource, injected } from "../testing/fault-fixture.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
describe("an abort", () => {
  test.each(["cluster", "rule"] as const)("of a %s answers without the application", async (at) => {
    const app = cannedServer(hello);
    await using subject = await faultFixture(app, { outcome: { case: "httpStatus", value: 418 } }, { at });
    const peer = await RawClient.connect(subject.port);
    peer.write(get + get);
    const { status, body } = await peer.response();
    expect([status, body.slice(0, 10)]).toEqual([418, "mesh error"]);
    expect((await peer.response()).status).toBe(418);
    expect(app.connections).toHaveLength(0);
    expect(injected(subject.proxy, "abort")).toBe(2);
    expect(subject.proxy.metricsText()).toMatch(/error_type="fault_injected"/);
    await eventually(() => subject.lastLine()["reason"] === "fault_injected", "it is in the log");
    expect(subject.lastLine()).toMatchObject({
      status: 418,
      detail: "FaultPolicy shop/chaos faults[0]: abort",
    });
  });

  test("of a call is said in gRPC's way, whichever status was written", async () => {
    const outcomes: NonNullable<FaultInit["outcome"]>[] = [
      { case: "grpcStatus", value: 8 },
      { case: "httpStatus", value: 503 },
    ];
    const statuses: (string | undefined)[] = [];
    for (const outcome of outcomes) {
      const app = new Http2Server((request) => request.answer([[":status", "200"]], "no"));
      await using subject = await faultFixture(app, { outcome }, { protocol: Protocol.GRPC });
      const client = await Http2Client.connect(subject.port);
      const fields = [
        ["content-type", "application/grpc"],
        ["te", "trailers"],
      ] as const;
      const answer = await client.post("/echo.Echo/Say", "", fields).ended();
      expect(answer.status).toBe(200);
      statuses.push(answer.head?.get("grpc-status"));
      client.close();
    }
    expect(statuses).toEqual(["8", "14"]);
  });

  test("with a status of gRPC is its HTTP status for everything else", async () => {
    const app = cannedServer(hello);
    await using subject = await faultFixture(app, { outcome: { case: "grpcStatus", value: 8 } });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(429);
  });
});

test("a reset ends the client's connection without an answer", async () => {
  const app = cannedServer(hello);
  await using subject = await faultFixture(app, { outcome: { case: "reset", value: true } });
  const peer = await RawClient.connect(subject.port);
  peer.write(get);
  expect(await peer.toEnd()).toBe("");
  expect(peer.isReset).toBe(true);
  expect(app.connections).toHaveLength(0);
  expect(injected(subject.proxy, "reset")).toBe(1);
});

test("a reset of one stream leaves the others alone", async () => {
  const app = new Http2Server((request) => request.answer([[":status", "200"]], "hello"));
  await using subject = await faultFixture(
    app,
    { optInHeader: "x-chaos", outcome: { case: "reset", value: true } },
    { protocol: Protocol.HTTP2 },
  );
  const client = await Http2Client.connect(subject.port);
  const lost = await client.get("/", [["x-chaos", "1"]]).ended();
  expect(lost.outcome?.kind).toBe("reset");
  expect((await client.get("/").ended()).body).toBe("hello");
  client.close();
});

describe("a delay", () => {
  test("holds the request back, and then nothing else is different", async () => {
    const app = cannedServer(hello);
    await using subject = await faultFixture(app, { delayMs: 10_000 });
    const peer = await RawClient.connect(subject.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nab");
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    subject.clock.advance(9_000);
    expect(app.connections).toHaveLength(0);
    subject.clock.advance(2_000);
    expect((await peer.response()).body).toBe("hello");
    expect(app.connections).toHaveLength(1);
    await eventually(() => subject.lastLine()["reason"] === "fault_injected", "it is in the log");
    expect(subject.lastLine()).toMatchObject({
      status: 200,
      detail: "FaultPolicy shop/chaos faults[0]: delay of 10000 ms",
    });
  });

  test("comes before an abort", async () => {
    const app = cannedServer(hello);
    await using subject = await faultFixture(app, {
      delayMs: 10_000,
      outcome: { case: "httpStatus", value: 500 },
    });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    expect(injected(subject.proxy, "abort")).toBe(0);
    subject.clock.advance(11_000);
    expect((await peer.response()).status).toBe(500);
  });

  test("ends with a client that leaves", async () => {
    const app = cannedServer(hello);
    await using subject = await faultFixture(app, { delayMs: 10_000 });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    peer.terminate();
    await eventually(() => subject.proxy.metricsText().includes('error_type="client_closed"'), "it is gone");
    subject.clock.advance(20_000);
    expect(subject.proxy.metricsText()).toContain("weft_requests_in_flight 0");
    expect(subject.proxy.metricsText()).toMatch(/^weft_upstream_tries_total 0$/m);
  });

  test("counts for the request's timeout", async () => {
    const app = cannedServer(hello);
    const fault = { source: faultSource, perMillion: 1_000_000, delayMs: 10_000 };
    await using mesh = new TestMesh();
    const clock = new VirtualClock();
    const server = await mesh.server("echo-1", app.port);
    const http = create(HttpRoutingSchema, {
      entries: [{ match: {}, rule: 0 }],
      rules: [
        {
          faults: [fault],
          requests: { requestTimeoutMs: 1_000 },
          backends: [{ cluster: "default/echo:80", weight: 1 }],
        },
      ],
    });
    const client = await mesh.client([server.endpoint], { http }, { clock });
    const peer = await RawClient.connect(client.port);
    peer.write(get);
    await eventually(() => injected(client.proxy, "delay") === 1, "it is delayed");
    clock.advance(1_100);
    expect((await peer.response()).status).toBe(504);
    app.stop();
  });
});

test("an expired fault does nothing", async () => {
  const app = cannedServer(hello);
  await using subject = await faultFixture(app, {
    expiresAtMs: BigInt(new VirtualClock().nowMs()),
    outcome: { case: "reset", value: true },
  });
  const peer = await RawClient.connect(subject.port);
  peer.write(get);
  expect((await peer.response()).body).toBe("hello");
  await eventually(() => subject.lastLine()["status"] === 200, "it is in the log");
  expect(subject.lastLine()).not.toHaveProperty("reason");
});

describe("a bandwidth", () => {
  const body = "x".repeat(1_000);
  const slow = { bytesPerSecond: 100 };

  /** Moves time on until it has come; how long that was. */
  async function elapsedMs(clock: VirtualClock, come: Promise<unknown>): Promise<number> {
    const state = { isDone: false };
    const watch = async (): Promise<void> => {
      await come;
      state.isDone = true;
    };
    void watch();
    for (let ms = 0; ms < 60_000; ms += 100) {
      if (state.isDone) return ms;
      clock.advance(100);
      await Bun.sleep(1);
    }
    throw new Error("it did not come");
  }

  test.each([
    ["a length", `content-length: 1000\r\n\r\n${body}`],
    ["chunks", `transfer-encoding: chunked\r\n\r\n3e8\r\n${body}\r\n0\r\n\r\n`],
  ])("lets a body with %s come slowly and whole, and the connection goes on", async (_framing, rest) => {
    const app = cannedServer(`HTTP/1.1 200 OK\r\n${rest}`);
    await using subject = await faultFixture(app, slow);
    const peer = await RawClient.connect(subject.port);
    for (let request = 0; request < 2; request++) {
      peer.write(get);
      const head = await peer.until("\r\n\r\n");
      const whole = head.includes("content-length") ? peer.bytes(1_000) : peer.until("\r\n0\r\n\r\n");
      const tookMs = await elapsedMs(subject.clock, whole);
      expect(tookMs).toBeGreaterThan(9_000);
      expect(tookMs).toBeLessThan(11_000);
      expect((await whole).toString().match(/x/g)).toHaveLength(1_000);
    }
    expect(app.connections).toHaveLength(1);
    expect(injected(subject.proxy, "bandwidth")).toBe(2);
  });

  test("holds back no more than was under way: the application is paused", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, "x");
    const fill = (socket: Bun.Socket): void => {
      while (sent < 100_000_000) {
        const taken = socket.write(chunk);
        sent += taken;
        if (taken < chunk.length) return;
      }
    };
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
          fill(socket);
        },
        drain: fill,
      },
    });
    await using subject = await faultFixture({ port: app.port, stop: () => app.stop(true) }, slow);
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await peer.until("\r\n\r\n");
    await elapsedMs(subject.clock, peer.bytes(300));
    await settles(() => sent);
    expect(peer.totalBytes).toBeLessThan(2_000);
    // Buffers of two proxies and of the kernel, for three connections.
    expect(sent).toBeLessThan(30_000_000);
    peer.terminate();
    await eventually(() => subject.proxy.metricsText().includes("weft_requests_in_flight 0"), "it is over");
  });

  test("keeps trailers behind a call's messages", async () => {
    const app = new Http2Server((request) =>
      request.answer(
        [
          [":status", "200"],
          ["content-type", "application/grpc"],
        ],
        body,
        [["grpc-status", "0"]],
      ),
    );
    await using subject = await faultFixture(app, slow, { protocol: Protocol.GRPC });
    const client = await Http2Client.connect(subject.port);
    const answer = client.post("/echo.Echo/Say", "", [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]);
    await answer.until(() => answer.head !== undefined, "the head");
    const tookMs = await elapsedMs(subject.clock, answer.ended());
    expect(answer.body).toBe(body);
    expect(answer.trailers?.get("grpc-status")).toBe("0");
    expect(tookMs).toBeGreaterThan(9_000);
    client.close();
  });
});
