/** A proxy that another process has replaced: what it has goes on until its clients are done with it. */
import { expect, test } from "bun:test";
import { type Clock, systemClock, VirtualClock } from "../kernel/index.ts";
import { eventually } from "./testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "./testing/raw-peer.ts";
import { TestMesh } from "./testing/test-mesh.ts";

const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** The client's proxy over its own clock; waiting is told to it in small steps. */
async function scene(mesh: TestMesh, app: { readonly port: number }, clock: Clock = systemClock) {
  const server = await mesh.server("echo-1", app.port);
  const { proxy, port } = await mesh.client([server.endpoint], {}, { clock });
  const isOver = { value: false };
  const handOver = async (): Promise<void> => {
    await proxy.handOver();
    isOver.value = true;
  };
  return { port, proxy, isOver, handOver };
}

async function passes(clock: VirtualClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 500) {
    clock.advance(500);
    await Promise.resolve();
  }
}

async function ends(clock: VirtualClock, isOver: { readonly value: boolean }): Promise<void> {
  await eventually(() => {
    clock.advance(50);
    return isOver.value;
  }, "the end, once nothing is open");
}

test("an idle connection is answered on for as long as its client may keep it, once more", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const clock = new VirtualClock();
  const { port, handOver, isOver } = await scene(mesh, app, clock);
  const client = await RawClient.connect(port);
  client.write(get);
  expect((await client.response()).head.toLowerCase()).not.toContain("connection: close");
  void handOver();
  await passes(clock, 90_000);
  client.write(get);
  const last = await client.response();
  expect([last.status, last.body]).toEqual([200, "hello"]);
  expect(last.head.toLowerCase()).toContain("connection: close");
  expect(await client.toEnd()).toBe("");
  client.close();
  await ends(clock, isOver);
  app.stop();
});

test("one that stays idle is closed, not reset", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const clock = new VirtualClock();
  const { port, handOver, isOver } = await scene(mesh, app, clock);
  const client = await RawClient.connect(port);
  client.write(get);
  await client.response();
  void handOver();
  await passes(clock, 96_000);
  expect(await client.toEnd()).toBe("");
  expect(client.isReset).toBe(false);
  client.close();
  await ends(clock, isOver);
  app.stop();
});

test("a response that had begun as one of many is followed by one more", async () => {
  await using mesh = new TestMesh();
  const app = rawServer(() => {});
  const { port, handOver } = await scene(mesh, app);
  const client = await RawClient.connect(port);
  client.write(get);
  await eventually(() => app.connections[0]?.received.includes("\r\n\r\n") === true, "the request");
  app.connections[0]?.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
  await client.until("hello");
  const over = handOver();
  app.connections[0]?.socket.write("again");
  await client.until("again");
  client.write(get);
  await eventually(() => app.connections[0]?.received.split("GET ").length === 3, "another request");
  app.connections[0]?.socket.write(hello);
  expect((await client.response()).head.toLowerCase()).toContain("connection: close");
  client.close();
  await over;
  app.stop();
});

test("what a client has not read yet is not cut off", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const { port, proxy, handOver, isOver } = await scene(mesh, app);
  const client = await RawClient.connect(port);
  client.pause();
  client.write("GET / HTTP/1.1\r\nhost: echo\r\nconnection: close\r\n\r\n");
  await eventually(
    () => proxy.metricsText().includes('http_response_status_code="200"'),
    "the exchange is over for the proxy",
  );
  const over = handOver();
  await fetch(`http://127.0.0.1:${proxy.bound.health.port}/healthz/ready`).catch(() => {});
  expect(isOver.value).toBe(false);
  client.resume();
  expect(await client.toEnd()).toEndWith("\r\n\r\nhello");
  expect(client.isReset).toBe(false);
  client.close();
  await over;
  app.stop();
});

test("hurries when it is told to end", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const { port, proxy, handOver } = await scene(mesh, app);
  const client = await RawClient.connect(port);
  client.write(get);
  await client.response();
  const over = handOver();
  await proxy.drain();
  await over;
  expect(client.isReset).toBe(false);
  app.stop();
});
