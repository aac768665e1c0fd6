/** Trouble on purpose, over real sockets and with time moved by hand. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { ClusterSchema, FaultSchema, HttpRoutingSchema, Protocol } from "../../model/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import { eventually } from "../testing/eventually.ts";
import { Http2Client, Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type FaultInit = Exclude<MessageInitShape<typeof FaultSchema>, { $typeName: string }>;

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const source = { kind: "FaultPolicy", namespace: "shop", name: "chaos", section: "faults[0]" };

interface Fixture {
  readonly mesh: TestMesh;
  readonly clock: VirtualClock;
  readonly proxy: RunningProxy;
  readonly port: number;
  lastLine(): Record<string, unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client's sidecar whose cluster, or whose only rule, has the fault. */
async function fixture(
  app: { readonly port: number; stop(): void },
  fault: FaultInit,
  options: { readonly at?: "cluster" | "rule"; readonly protocol?: Protocol } = {},
): Promise<Fixture> {
  const { at = "cluster", protocol = Protocol.HTTP } = options;
  const mesh = new TestMesh();
  mesh.mesh.accessLog = true;
  const clock = new VirtualClock();
  const faults = [create(FaultSchema, { source, perMillion: 1_000_000, ...fault })];
  const http = create(HttpRoutingSchema, {
    entries: [{ match: {}, rule: 0 }],
    rules: [{ faults, backends: [{ cluster: "default/echo:80", weight: 1 }] }],
  });
  const server = await mesh.server("echo-1", app.port, protocol);
  const { proxy, port } = await mesh.client(
    [server.endpoint],
    { protocol, ...(at === "rule" ? { http } : {}) },
    {
      clock,
      change: (configuration) =>
        at === "rule"
          ? configuration
          : {
              ...configuration,
              clusters: (configuration.clusters ?? []).map((each) =>
                create(ClusterSchema, { ...each, faults }),
              ),
            },
    },
  );
  return {
    mesh,
    clock,
    proxy,
    port,
    lastLine() {
      // The log is flushed at a time of its own.
      clock.advance(1_000);
      const lines = readFileSync(mesh.logFile("web"), "utf8").trim().split("\n");
      return JSON.parse(lines.at(-1) || "{}");
    },
    async [Symbol.asyncDispose]() {
      await mesh[Symbol.asyncDispose]();
      app.stop();
    },
  };
}

function counted(proxy: RunningProxy, fault: string): number {
  const line = new RegExp(`^weft_faults_injected_total\\{fault="${fault}"\\} (\\d+)$`, "m");
  return Number(line.exec(proxy.metricsText())?.[1] ?? 0);
}

describe("an abort", () => {
  test.each(["cluster", "rule"] as const)("of a %s answers without the application", async (at) => {
    const app = cannedServer(hello);
    await using subject = await fixture(app, { outcome: { case: "httpStatus", value: 418 } }, { at });
    const peer = await RawClient.connect(subject.port);
    peer.write(get + get);
    const { status, body } = await peer.response();
    expect([status, body.slice(0, 10)]).toEqual([418, "mesh error"]);
    expect((await peer.response()).status).toBe(418);
    expect(app.connections).toHaveLength(0);
    expect(counted(subject.proxy, "abort")).toBe(2);
    expect(subject.proxy.metricsText()).toMatch(/reason="fault_injected"/);
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
      await using subject = await fixture(app, { outcome }, { protocol: Protocol.GRPC });
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
    await using subject = await fixture(app, { outcome: { case: "grpcStatus", value: 8 } });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    expect((await peer.response()).status).toBe(429);
  });
});

test("a reset ends the client's connection without an answer", async () => {
  const app = cannedServer(hello);
  await using subject = await fixture(app, { outcome: { case: "reset", value: true } });
  const peer = await RawClient.connect(subject.port);
  peer.write(get);
  expect(await peer.toEnd()).toBe("");
  expect(peer.isReset).toBe(true);
  expect(app.connections).toHaveLength(0);
  expect(counted(subject.proxy, "reset")).toBe(1);
});

test("a reset of one stream leaves the others alone", async () => {
  const app = new Http2Server((request) => request.answer([[":status", "200"]], "hello"));
  await using subject = await fixture(
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
    await using subject = await fixture(app, { delayMs: 10_000 });
    const peer = await RawClient.connect(subject.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nab");
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
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
    await using subject = await fixture(app, {
      delayMs: 10_000,
      outcome: { case: "httpStatus", value: 500 },
    });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
    expect(counted(subject.proxy, "abort")).toBe(0);
    subject.clock.advance(11_000);
    expect((await peer.response()).status).toBe(500);
  });

  test("ends with a client that leaves", async () => {
    const app = cannedServer(hello);
    await using subject = await fixture(app, { delayMs: 10_000 });
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
    peer.terminate();
    await eventually(() => subject.proxy.metricsText().includes('reason="client_closed"'), "it is gone");
    subject.clock.advance(20_000);
    await eventually(
      () => subject.proxy.metricsText().includes("weft_requests_in_flight 0"),
      "nothing waits",
    );
    expect(app.connections).toHaveLength(0);
  });

  test("counts for the request's timeout", async () => {
    const app = cannedServer(hello);
    const fault = { source, perMillion: 1_000_000, delayMs: 10_000 };
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
    await eventually(() => counted(client.proxy, "delay") === 1, "it is delayed");
    clock.advance(1_100);
    expect((await peer.response()).status).toBe(504);
    app.stop();
  });
});

test("an expired fault does nothing", async () => {
  const app = cannedServer(hello);
  await using subject = await fixture(app, {
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
    await using subject = await fixture(app, slow);
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
    expect(counted(subject.proxy, "bandwidth")).toBe(2);
  });

  test("holds back no more than was under way: the application is paused", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(65_536, "x");
    const app = rawServer((server) => {
      server.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
      for (;;) {
        const taken = server.socket.write(chunk);
        sent += taken;
        if (taken < chunk.length) return;
      }
    });
    await using subject = await fixture(app, slow);
    const peer = await RawClient.connect(subject.port);
    peer.write(get);
    await peer.until("\r\n\r\n");
    await elapsedMs(subject.clock, peer.bytes(300));
    expect(peer.totalBytes).toBeLessThan(2_000);
    expect(sent).toBeGreaterThan(0);
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
    await using subject = await fixture(app, slow, { protocol: Protocol.GRPC });
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

describe("raw TCP", () => {
  const tcp = { protocol: Protocol.TCP };
  const echo = () => rawServer((peer, chunk) => peer.socket.write(chunk));

  test("is reset, after a delay where there is one", async () => {
    const app = echo();
    const outcome = { case: "reset", value: true } as const;
    await using subject = await fixture(app, { delayMs: 10_000, outcome }, tcp);
    const peer = await RawClient.connect(subject.port);
    peer.write("hello");
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
    expect(peer.isReset).toBe(false);
    subject.clock.advance(11_000);
    await eventually(() => peer.isReset, "the client notices");
    expect(app.connections).toHaveLength(0);
    expect(subject.proxy.metricsText()).toMatch(/reason="fault_injected"/);
  });

  test("waits, and loses nothing", async () => {
    const app = echo();
    await using subject = await fixture(app, { delayMs: 10_000 }, tcp);
    const peer = await RawClient.connect(subject.port);
    peer.write("hello");
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
    expect(app.connections).toHaveLength(0);
    subject.clock.advance(11_000);
    expect(await peer.until("hello")).toBe("hello");
    peer.close();
    await eventually(() => subject.lastLine()["reason"] === "fault_injected", "it is in the log");
  });

  test("of a server that speaks first waits too, once", async () => {
    const app = rawServer(() => {}, { onOpen: (peer) => peer.socket.write("220 ready\r\n") });
    await using subject = await fixture(app, { delayMs: 10_000 }, { protocol: Protocol.UNSPECIFIED });
    const peer = await RawClient.connect(subject.port);
    await eventually(() => {
      subject.clock.advance(10);
      return counted(subject.proxy, "delay") === 1;
    }, "it is delayed");
    expect(peer.totalBytes).toBe(0);
    subject.clock.advance(11_000);
    expect(await peer.until("ready\r\n")).toBe("220 ready\r\n");
  });

  test("that its client leaves is over", async () => {
    const app = echo();
    await using subject = await fixture(app, { delayMs: 10_000 }, tcp);
    const peer = await RawClient.connect(subject.port);
    await eventually(() => counted(subject.proxy, "delay") === 1, "it is delayed");
    peer.terminate();
    await eventually(() => subject.proxy.metricsText().includes("weft_requests_in_flight 0"), "it is over");
    subject.clock.advance(20_000);
    expect(app.connections).toHaveLength(0);
  });
});
