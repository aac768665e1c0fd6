/** What a proxy taps, what it tells, and what that may cost: through real sidecars, and with outcomes made by hand. */
import { describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { ExpressionOperator, ExpressionSchema, Protocol } from "../../model/index.ts";
import {
  Direction,
  type TapOrderSchema,
  TapOrdersSchema,
  type TapRecord,
  type TapUpload,
  TapUploadSchema,
} from "../../wire/index.ts";
import type { TapHandler } from "../agent/index.ts";
import { Observers, type TcpOutcome } from "../observation/index.ts";
import { SeriesRegistry } from "../telemetry/index.ts";
import { eventually } from "../testing/eventually.ts";
import type { FakeAgent } from "../testing/fake-agent.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { serveTaps } from "./index.ts";

type Order = MessageInitShape<typeof TapOrderSchema>;

function ordersOf(...orders: Order[]) {
  return create(TapOrdersSchema, {
    orders: orders.map((order) => ({ id: 1n, maxPerSecond: 1_000, remainingMs: 60_000n, ...order })),
  });
}

function uploadsOf(uploads: readonly Uint8Array[]): TapUpload[] {
  return uploads.map((bytes) => fromBinary(TapUploadSchema, bytes));
}

function recordsOf(uploads: readonly Uint8Array[]): TapRecord[] {
  return uploadsOf(uploads).flatMap(({ records }) => records);
}

async function tapped(agent: FakeAgent, count: number): Promise<TapRecord[]> {
  await eventually(() => recordsOf(agent.tapUploads).length >= count, `${count} records`);
  return recordsOf(agent.tapUploads);
}

describe("through two sidecars", () => {
  test("both sides tell a request with its heads, its times and its try", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(
      "HTTP/1.1 201 Made\r\nset-cookie: a=secret\r\nx-of: app\r\ncontent-length: 5\r\n\r\nhello",
    );
    const server = await mesh.server("echo-1", app.port, Protocol.HTTP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.HTTP });
    client.agent.taps?.onOrders(ordersOf({ headers: true }));
    server.agent.taps?.onOrders(ordersOf({}));
    const peer = await RawClient.connect(client.port);
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    peer.write(
      `GET /a?b=secret HTTP/1.1\r\nhost: echo\r\nauthorization: Bearer secret\r\nX-Mine: 1\r\ntraceparent: ${trace}\r\n\r\n`,
    );
    await peer.response();
    const [seen] = await tapped(client.agent, 1);
    const [behind] = await tapped(server.agent, 1);
    expect(seen).toMatchObject({
      ...{ orders: [1n], direction: Direction.OUTBOUND, protocol: "HTTP/1.1", method: "GET" },
      ...{ path: "/a", query: "", status: 201, mtls: true, responseBytes: 5n, reason: "" },
      traceId: "0af7651916cd43dd8448eb211c80319c",
      parentSpanId: "b7ad6b7169203331",
    });
    const headers = (list: TapRecord["requestHeaders"]) =>
      list.map(({ name, value }) => `${name}: ${Buffer.from(value).toString("latin1")}`);
    expect(headers(seen?.requestHeaders ?? [])).toEqual([
      "host: echo",
      "authorization: ***",
      "x-mine: 1",
      `traceparent: ${trace}`,
    ]);
    expect(headers(seen?.responseHeaders ?? []).slice(0, 2)).toEqual(["set-cookie: ***", "x-of: app"]);
    const [attempt] = seen?.tries ?? [];
    const times = [
      seen?.admittedUs,
      attempt?.startUs,
      attempt?.connectedUs,
      attempt?.firstByteUs,
      seen?.firstByteUs,
    ];
    expect([...times, seen?.endUs]).toEqual(
      [...times, seen?.endUs].toSorted((a, b) => ((a ?? 0n) < (b ?? 0n) ? -1 : 1)),
    );
    expect(attempt?.outcome).toBe("201");
    expect(behind).toMatchObject({
      direction: Direction.INBOUND,
      requestHeaders: [],
      requestId: seen?.requestId,
    });
    expect(Buffer.from(client.agent.tapUploads[0] ?? []).includes("secret")).toBe(false);
    app.stop();
  });

  test("bodies are told as far as they were asked for, and not at all where they were not", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    const server = await mesh.server("echo-1", app.port, Protocol.HTTP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.HTTP });
    client.agent.taps?.onOrders(ordersOf({ maxBodyBytes: 3 }));
    server.agent.taps?.onOrders(ordersOf({}));
    const peer = await RawClient.connect(client.port);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 7\r\n\r\nrequest");
    await peer.response();
    const [seen] = await tapped(client.agent, 1);
    const [behind] = await tapped(server.agent, 1);
    expect([seen?.requestBody, seen?.responseBody].map((each) => Buffer.from(each ?? []).toString())).toEqual(
      ["req", "hel"],
    );
    expect([seen?.requestBytes, seen?.responseBytes]).toEqual([7n, 5n]);
    expect([behind?.requestBody.length, behind?.responseBody.length]).toEqual([0, 0]);
    app.stop();
  });

  test("raw connections are told when they end", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    client.agent.taps?.onOrders(ordersOf({ headers: true, maxBodyBytes: 100 }));
    const peer = await RawClient.connect(client.port);
    peer.write("hello");
    await peer.until("hello");
    peer.shutdown();
    peer.terminate();
    const [seen] = await tapped(client.agent, 1);
    expect(seen).toMatchObject({ protocol: "tcp", method: "", requestBytes: 5n, responseBytes: 5n });
    app.stop();
  });

  test("a request that is refused is told with its reason", async () => {
    await using mesh = new TestMesh();
    const client = await mesh.client([], { protocol: Protocol.HTTP });
    client.agent.taps?.onOrders(ordersOf({}));
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).status).toBe(503);
    const [seen] = await tapped(client.agent, 1);
    expect(seen).toMatchObject({ status: 503, reason: "no_endpoint", tries: [], firstByteUs: 0n });
  });
});

/** A proxy of which there is nothing but its taps. */
class Scene {
  readonly clock = new VirtualClock();
  readonly observers = new Observers();
  readonly uploads: Uint8Array[] = [];
  hasRoom = true;
  handler: TapHandler | undefined;
  readonly #edge = new SeriesRegistry().edge({
    direction: "outbound",
    sourceWorkload: "shop/web-1",
    sourceIdentity: "spiffe://m/ns/shop/sa/web",
    destinationWorkload: "shop/db-1",
    destinationIdentity: "",
    destinationService: "shop/db",
    destinationPort: 5432,
    destinationVersion: "",
    sourceVersion: "",
    sourceLocality: "",
    destinationLocality: "",
    route: "",
    protocol: "tcp",
    mtls: true,
  });

  constructor() {
    serveTaps({
      agent: {
        snapshot: { revision: 3 },
        serveTaps: (handler) => {
          this.handler = handler;
          return {
            send: (upload) => {
              this.uploads.push(upload);
              return this.hasRoom;
            },
          };
        },
      },
      observers: this.observers,
      workload: { key: "shop/web-1" },
      clock: this.clock,
    });
  }

  connection(parts: Partial<TcpOutcome> = {}): void {
    this.observers.tcp({
      edge: this.#edge,
      requestId: "",
      reason: undefined,
      detail: "",
      peerAddress: "127.0.0.1:5",
      upstreamAddress: "10.0.0.2:5432",
      attempts: 1,
      requestBytes: 1,
      responseBytes: 2,
      durationUs: 5_000,
      ...parts,
    });
  }

  /** By order. */
  get counts(): { told: number; lost: number } {
    const uploads = uploadsOf(this.uploads);
    const lost = uploads.flatMap(({ losses }) => losses).reduce((sum, { count }) => sum + Number(count), 0);
    return { told: recordsOf(this.uploads).length, lost };
  }
}

describe("a proxy", () => {
  test("that nobody taps has no observer more and keeps no bodies", () => {
    const scene = new Scene();
    expect([scene.observers.list, scene.observers.wantsTimes, scene.observers.bodies]).toEqual([
      [],
      false,
      undefined,
    ]);
    scene.handler?.onOrders(ordersOf({ maxBodyBytes: 10 }));
    expect([scene.observers.list.length, scene.observers.wantsTimes]).toEqual([1, true]);
    expect(scene.observers.bodies).toBeDefined();
    scene.handler?.onOrders(ordersOf());
    expect([scene.observers.list, scene.observers.wantsTimes, scene.observers.bodies]).toEqual([
      [],
      false,
      undefined,
    ]);
  });

  test("ends an order by itself when its time is over, whatever its own clock says", () => {
    const scene = new Scene();
    scene.handler?.onOrders(ordersOf({ remainingMs: 5_000n, endUnixMs: 1n }));
    scene.clock.advance(4_999);
    expect(scene.observers.list.length).toBe(1);
    scene.clock.advance(1);
    expect(scene.observers.list).toEqual([]);
  });

  test("ends all of them when the stream ends", () => {
    const scene = new Scene();
    scene.handler?.onOrders(ordersOf({}));
    scene.connection();
    scene.handler?.onOrders(undefined);
    scene.clock.advance(60_000);
    expect([scene.observers.list, scene.uploads]).toEqual([[], []]);
  });

  test("tells as many a second as were asked for, and counts the others", () => {
    const scene = new Scene();
    scene.handler?.onOrders(ordersOf({ maxPerSecond: 10 }));
    for (let i = 0; i < 1_000; i++) {
      scene.connection();
      scene.clock.advance(1);
    }
    scene.clock.advance(200);
    expect(scene.counts).toEqual({ told: 10, lost: 990 });
    // One that is asked for again is not given a fresh second.
    scene.connection();
    scene.handler?.onOrders(ordersOf({ maxPerSecond: 1 }));
    scene.connection();
    scene.clock.advance(200);
    expect(scene.counts).toEqual({ told: 11, lost: 991 });
  });

  test("keeps a bound of records while nobody takes them, and counts what is beyond", () => {
    const scene = new Scene();
    scene.hasRoom = false;
    scene.handler?.onOrders(ordersOf({ maxPerSecond: 10_000 }));
    for (let i = 0; i < 3_000; i++) scene.connection();
    expect(scene.uploads.length).toBe(1);
    scene.hasRoom = true;
    scene.handler?.onDrain();
    const { told, lost } = scene.counts;
    expect([told + lost, told]).toEqual([3_000, 1_064]);
  });

  test("lets nothing through that its filter does not", () => {
    const scene = new Scene();
    const filter = toBinary(
      ExpressionSchema,
      create(ExpressionSchema, {
        kind: {
          case: "call",
          value: {
            operator: ExpressionOperator.HAS,
            arguments: [{ kind: { case: "attribute", value: { name: "reason", keys: [] } } }],
          },
        },
      }),
    );
    scene.handler?.onOrders(
      ordersOf({ id: 1n, filter }, { id: 2n }, { id: 3n, filter: Uint8Array.of(0xff) }),
    );
    scene.connection();
    scene.connection({ reason: "upstream_reset" });
    scene.clock.advance(200);
    expect(recordsOf(scene.uploads).map(({ orders }) => orders)).toEqual([[2n], [1n, 2n]]);
  });
});
