/** Filters that answer later: what a request does meanwhile, and what ends it. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { type Admission, AdmissionSchema, ClusterSchema } from "../../model/index.ts";
import type { FilterFactories, FilteredExchange, FilterWaiter, RequestFilter } from "../admission/index.ts";
import { guardedServer } from "../testing/admission-scene.ts";
import { eventually } from "../testing/eventually.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** Stands where a token's filter does: suspended until the test says what becomes of each request. */
class Waiting implements RequestFilter {
  readonly waiting: { exchange: FilteredExchange; resume: FilterWaiter["resume"] }[] = [];
  cancelled = 0;
  isClosed = false;
  readonly bodies: (string | undefined)[] = [];
  readBytes = 0;

  start(exchange: FilteredExchange, waiter: FilterWaiter): "suspended" {
    this.waiting.push({ exchange, resume: (step) => waiter.resume(step) });
    if (this.readBytes > 0) {
      exchange.readBody(this.readBytes, (body) => {
        const text = body && `${Buffer.from(body.bytes).toString("latin1")}${body.isWhole ? "." : "…"}`;
        this.bodies.push(text);
      });
    }
    return "suspended";
  }

  cancel(): void {
    this.cancelled++;
  }

  close(): void {
    this.isClosed = true;
  }

  get factories(): FilterFactories {
    return { authorization: () => this, jwt: () => this, external: () => this, rateLimits: () => this };
  }
}

const admission: Admission = create(AdmissionSchema, { jwt: { providers: [{ name: "a", issuer: "a" }] } });

async function scene(mesh: TestMesh, filter: Waiting, requestTimeoutMs = 0) {
  const bodies: string[] = [];
  const app = rawServer((peer) => {
    const end = peer.received.indexOf("\r\n\r\n");
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(peer.received)?.[1] ?? 0);
    if (end < 0 || peer.received.length < end + 4 + length) return;
    bodies.push(peer.received);
    peer.received = "";
    peer.socket.write(hello);
  });
  const server = await guardedServer(mesh, app.port, { admission, filters: filter.factories });
  const cluster = { namespace: "default", service: "echo", port: 80, requests: { requestTimeoutMs } };
  const client = await mesh.client(
    [server.endpoint],
    {},
    { change: (configuration) => ({ ...configuration, clusters: [create(ClusterSchema, cluster)] }) },
  );
  return { app, server, peer: await RawClient.connect(client.port), bodies };
}

const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const post = (body: string, more = ""): string =>
  `POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;

describe("while a filter waits", () => {
  test("nothing reaches the application; then all of it does, with the filter's fields", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    const { app, peer, bodies } = await scene(mesh, filter);
    peer.write(post("payload", "x-user: forged\r\nX-Gone: 1\r\n"));
    await eventually(() => filter.waiting.length === 1, "the filter was asked");
    expect(app.connections).toHaveLength(0);
    const [held] = filter.waiting;
    held?.exchange.setRequestHeader("x-user", "verified");
    held?.exchange.removeRequestHeader("x-gone");
    held?.exchange.setRequestHeader("x-forwarded-client-cert", "made up");
    expect(held?.exchange.request.http?.header("x-user")).toBe("verified");
    held?.exchange.addAnswerLine({ nameLower: "x-left", value: "3", bytes: Buffer.from("x-left: 3\r\n") });
    held?.resume("continue");
    const answer = await peer.response();
    expect(answer.status).toBe(200);
    expect(answer.head).toContain("x-left: 3\r\n");
    expect(bodies[0]).toEndWith("\r\n\r\npayload");
    expect(bodies[0]).toContain("x-user: verified\r\n");
    expect(bodies[0]).not.toMatch(/forged|x-gone|made up/i);
    app.stop();
  });

  test("a client that leaves takes its question back", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    const { app, peer } = await scene(mesh, filter);
    peer.write(get);
    await eventually(() => filter.waiting.length === 1, "the filter was asked");
    peer.terminate();
    await eventually(() => filter.cancelled === 1, "cancelled");
    filter.waiting[0]?.resume("continue");
    expect(app.connections).toHaveLength(0);
    app.stop();
  });

  test("the request's time runs", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    const { app, peer } = await scene(mesh, filter, 100);
    peer.write(get);
    expect((await peer.response()).status).toBe(504);
    await eventually(() => filter.cancelled === 1, "cancelled");
    app.stop();
  });

  test("a refusal may bring an answer of its own", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    const { app, peer } = await scene(mesh, filter);
    peer.write(get);
    await eventually(() => filter.waiting.length === 1, "the filter was asked");
    filter.waiting[0]?.resume({
      reason: "external_denied",
      detail: "no",
      source: undefined,
      answer: {
        status: 402,
        lines: [
          { nameLower: "x-price", value: "1", bytes: Buffer.from("x-price: 1\r\n") },
          { nameLower: "content-length", value: "99", bytes: Buffer.from("content-length: 99\r\n") },
        ],
        body: Buffer.from("pay first"),
      },
    });
    const answer = await peer.response();
    expect([answer.status, answer.body]).toEqual([402, "pay first"]);
    expect(answer.head).toContain("x-price: 1\r\n");
    // The connection goes on.
    peer.write(get);
    await eventually(() => filter.waiting.length === 2, "asked again");
    app.stop();
  });
});

describe("a filter that reads the body", () => {
  test.each([
    ["the whole of it", 100, "payload."],
    ["its beginning", 3, "pay…"],
  ])("gets %s, and the application gets it all", async (_, readBytes, expected) => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    filter.readBytes = readBytes;
    const { app, peer, bodies } = await scene(mesh, filter);
    peer.write(post("payload"));
    await eventually(() => filter.bodies.length === 1, "the body was read");
    expect(filter.bodies).toEqual([expected]);
    filter.waiting[0]?.resume("continue");
    expect((await peer.response()).status).toBe(200);
    expect(bodies[0]).toEndWith("\r\n\r\npayload");
    app.stop();
  });

  test("has a client go on that waits to be told", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    filter.readBytes = 100;
    const { app, peer } = await scene(mesh, filter);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n");
    expect(await peer.until("\r\n\r\n")).toStartWith("HTTP/1.1 100");
    peer.write("hi");
    await eventually(() => filter.bodies[0] === "hi.", "the body was read");
    app.stop();
  });

  test("hears of a client that leaves before its end", async () => {
    await using mesh = new TestMesh();
    const filter = new Waiting();
    filter.readBytes = 100;
    const { app, peer } = await scene(mesh, filter);
    peer.write("POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 20\r\n\r\nhalf");
    await eventually(() => filter.waiting.length === 1, "the filter was asked");
    peer.terminate();
    await eventually(() => filter.cancelled === 1, "cancelled");
    expect(filter.bodies).toEqual([undefined]);
    app.stop();
  });
});

test("a filter that says the same in the next configuration is the same one, and else is closed", async () => {
  await using mesh = new TestMesh();
  const filters: Waiting[] = [];
  const make = (): Waiting => {
    const made = new Waiting();
    filters.push(made);
    return made;
  };
  const app = rawServer(() => {});
  const server = await guardedServer(mesh, app.port, {
    admission,
    filters: { authorization: make, jwt: make, external: make, rateLimits: make },
  });
  server.ask(create(AdmissionSchema, { jwt: { providers: [{ name: "a", issuer: "a" }] } }));
  expect(filters).toHaveLength(1);
  server.ask(create(AdmissionSchema, { jwt: { providers: [{ name: "b", issuer: "b" }] } }));
  expect(filters.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  app.stop();
});
