/** Requests that fail and are tried again: what is, what is not, after what wait, and what the endpoints see of it. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { eventually, freePort } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer, type RawServerSocket } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { App, broken, get, hello, post, World } from "../testing/world.ts";

describe("by default", () => {
  test("a 503 of a GET is tried again on another endpoint, which is told", async () => {
    await using world = new World();
    const [bad, good] = [new App(broken), new App(hello)];
    const { peer, metric } = await world.client([await world.server(bad), await world.server(good)]);
    for (let i = 0; i < 10; i++) {
      peer.write(get);
      expect((await peer.response()).status).toBe(200);
    }
    expect(good.requests).toHaveLength(10);
    expect(bad.requests.length).toBeGreaterThan(0);
    expect(bad.requests.join("")).not.toContain("weft-try");
    const told = good.requests.filter((request) => request.includes("\r\nweft-try: attempt=1\r\n"));
    expect(told).toHaveLength(bad.requests.length);
    expect(await metric('weft_retries_total{reason="http_503"}')).toBe(bad.requests.length);
    expect(await metric("weft_upstream_tries_total")).toBe(10 + bad.requests.length);
  });

  test("a 503 of a POST is the client's", async () => {
    await using world = new World();
    const app = new App(broken);
    const { peer, metric } = await world.client([await world.server(app)]);
    peer.write(post);
    expect(await peer.response()).toMatchObject({ status: 503, body: "no" });
    expect(app.requests).toHaveLength(1);
    expect(await metric('weft_retries_withheld_total{cause="attempts"}')).toBe(0);
  });

  test("after two retries the last answer is the client's, as it came", async () => {
    await using world = new World();
    const app = new App(broken);
    const { peer, metric } = await world.client([await world.server(app)]);
    peer.write(get);
    expect(await peer.response()).toMatchObject({ status: 503, body: "no" });
    expect(app.requests).toHaveLength(3);
    expect(await metric('weft_retries_withheld_total{cause="attempts"}')).toBe(1);
    // Answers that were not wanted were read to their end: one connection was enough.
    expect(app.server.connections).toHaveLength(1);
  });

  test("an application that resets a fresh connection is asked again for a GET, not for a POST", async () => {
    await using world = new World();
    const app = new App(
      (peer) => peer.socket.terminate(),
      (peer) => peer.socket.terminate(),
      hello,
    );
    const { peer, metric } = await world.client([await world.server(app)]);
    peer.write(get);
    expect((await peer.response()).status).toBe(200);
    expect(app.requests).toHaveLength(3);
    expect(await metric('weft_retries_total{reason="upstream_reset"}')).toBe(2);

    const other = new App((each) => each.socket.terminate());
    const second = await world.client([await world.server(other)]);
    second.peer.write(post);
    const answer = await second.peer.response();
    expect(answer.status).toBe(502);
    expect(answer.head).not.toContain("weft-failed");
    expect(other.requests).toHaveLength(1);
  });

  test("a client that speaks for the mesh is not believed, nor is an application", async () => {
    await using world = new World();
    const app = new App(
      "HTTP/1.1 503 No\r\nweft-no-retry: 1\r\nweft-failed: upstream_reset\r\ncontent-length: 0\r\n\r\n",
    );
    const { peer } = await world.client([await world.server(app)]);
    peer.write(get);
    const answer = await peer.response();
    expect(app.requests).toHaveLength(3);
    expect(answer.head).not.toContain("weft-");
  });
});

test("an endpoint that came while the first was waited for is tried", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const server = await mesh.server("echo-1", app.port);
  // It takes connections and never shakes hands.
  const silent = rawServer(() => {});
  const waiting = { ...server.endpoint, workload: "default/echo-0", tunnelPort: silent.port };
  const { agent, port } = await mesh.client([waiting]);
  const peer = await RawClient.connect(port);
  peer.write(post);
  await eventually(() => silent.connections.length === 1, "the first is dialled");
  agent.configure(mesh.clientConfiguration([server.endpoint]));
  silent.connections[0]?.socket.terminate();
  expect((await peer.response()).status).toBe(200);
  silent.stop();
  app.stop();
});

describe("a policy", () => {
  const retry = { conditions: { statuses: [500] }, backoffBaseMs: 100, backoffMaxMs: 100 };

  test("waits before it tries again, and a client that leaves meanwhile ends it", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const app = new App("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    const { peer, metric } = await world.client([await world.server(app)], { requests: { retry } });
    peer.write(get);
    const inFlight = (): Promise<boolean> => metric("weft_requests_in_flight").then((value) => value === 1);
    await eventually(async () => (await metric('weft_retries_total{reason="http_500"}')) === 1, "it waits");
    expect(app.requests).toHaveLength(1);
    expect(await inFlight()).toBe(true);
    clock.advance(120);
    await eventually(() => app.requests.length === 2, "the second try");
    await eventually(async () => (await metric('weft_retries_total{reason="http_500"}')) === 2, "it waits");
    peer.terminate();
    await eventually(async () => !(await inFlight()), "the request is over");
    clock.advance(1_000);
    await Bun.sleep(20);
    expect(app.requests).toHaveLength(2);
  });

  test("honours Retry-After up to its maximum", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const after = (seconds: number): string =>
      `HTTP/1.1 500 No\r\nretry-after: ${seconds}\r\ncontent-length: 0\r\n\r\n`;
    const app = new App(after(3), after(60));
    const { peer, metric } = await world.client([await world.server(app)], { requests: { retry } });
    peer.write(get);
    await eventually(async () => (await metric('weft_retries_total{reason="http_500"}')) === 1, "it waits");
    clock.advance(2_900);
    await Bun.sleep(20);
    expect(app.requests).toHaveLength(1);
    clock.advance(200);
    const answer = await peer.response();
    expect(answer.status).toBe(500);
    expect(answer.head).toContain("retry-after: 60");
    expect(app.requests).toHaveLength(2);
    expect(await metric('weft_retries_withheld_total{cause="retry_after"}')).toBe(1);
  });

  test("with a try timeout leaves a slow endpoint, and tells the client when all are slow", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const slow = new App(() => {});
    const requests = {
      tryTimeoutMs: 10_000,
      retry: { ...retry, maxRetries: 1, conditions: { tryTimeout: true } },
    };
    const { peer, metric } = await world.client([await world.server(slow)], { requests });
    peer.write(get);
    await eventually(() => slow.requests.length === 1, "the first try");
    clock.advance(10_010);
    await eventually(
      async () => (await metric('weft_retries_total{reason="try_timeout"}')) === 1,
      "given up",
    );
    clock.advance(120);
    await eventually(() => slow.requests.length === 2, "the second try");
    clock.advance(10_010);
    expect((await peer.response()).status).toBe(504);
  });

  test("replays a body up to its bound", async () => {
    await using world = new World();
    const app = new App(broken, hello, broken, hello);
    const requests = { retry: { unsafeMethods: true, maxBodyBytes: 10 } };
    const { peer, metric } = await world.client([await world.server(app)], { requests });
    const send = (body: string): void =>
      peer.write(`POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    send("0123456789");
    expect((await peer.response()).status).toBe(200);
    expect(app.requests.filter((request) => request.endsWith("0123456789"))).toHaveLength(2);
    // Its head and body come in one piece, before there is a connection, and still only the bound may be kept.
    send("0123456789a");
    expect((await peer.response()).status).toBe(503);
    expect(await metric('weft_retries_withheld_total{cause="body"}')).toBe(1);
    expect(await metric("weft_replay_bytes")).toBe(0);
  });

  test("of no retries still gives what nobody has seen to another endpoint", async () => {
    await using world = new World();
    const good = new App(hello);
    const endpoint = await world.server(good);
    const dead = { ...endpoint, workload: "default/dead", tunnelPort: freePort() };
    const { peer } = await world.client([endpoint, dead], { requests: { retry: { maxRetries: 0 } } });
    for (let i = 0; i < 10; i++) {
      peer.write(post);
      expect((await peer.response()).status).toBe(200);
    }
  });
});

describe("a budget", () => {
  test("of nothing leaves every failure to the client, and is counted", async () => {
    await using world = new World();
    const app = new App(broken);
    const { peer, metric } = await world.client([await world.server(app)], {
      retryBudget: { percent: 0, minPerSecond: 0 },
    });
    for (let i = 0; i < 5; i++) {
      peer.write(get);
      expect((await peer.response()).status).toBe(503);
    }
    expect(app.requests).toHaveLength(5);
    expect(await metric('weft_retries_withheld_total{cause="budget"}')).toBe(5);
    expect(await metric('weft_retry_budget_exhausted_total{cluster="default/echo:80"}')).toBe(5);
  });

  test("is not needed to leave an endpoint that has just died, but to go on asking the dead", async () => {
    await using world = new World();
    const good = await world.server(new App(hello));
    const dead = ["a", "b", "c"].map((name) => ({
      ...good,
      workload: `default/${name}`,
      tunnelPort: freePort(),
    }));
    const { peer, metric } = await world.client(dead, { retryBudget: { percent: 0, minPerSecond: 0 } });
    for (let i = 0; i < 5; i++) {
      peer.write(get);
      expect((await peer.response()).status).toBe(503);
    }
    // Three endpoints, each found dead once; from then on one try for each request.
    expect(await metric("weft_upstream_tries_total")).toBe(3 + 4);
  });
});

describe("silence", () => {
  test("of both directions ends a stream, movement of one does not", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const sockets: RawServerSocket[] = [];
    const app = new App((peer) => {
      sockets.push(peer);
      peer.socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    });
    const { peer } = await world.client([await world.server(app)], {
      requests: { streamIdleTimeoutMs: 10_000 },
    });
    peer.write(get);
    await peer.until("\r\n\r\n");
    for (let i = 0; i < 4; i++) {
      clock.advance(6_000);
      sockets[0]?.socket.write("1\r\nx\r\n");
      await peer.until("1\r\nx\r\n");
    }
    clock.advance(12_000);
    await expect(peer.bytes(1)).rejects.toThrow("ended");
  });

  test("before any answer is told with 504", async () => {
    const clock = new VirtualClock();
    await using world = new World(clock);
    const app = new App(() => {});
    const { peer } = await world.client([await world.server(app)], {
      requests: { streamIdleTimeoutMs: 10_000 },
    });
    peer.write(get);
    await eventually(() => app.requests.length === 1, "it is asked");
    clock.advance(9_000);
    clock.advance(3_000);
    expect((await peer.response()).status).toBe(504);
  });
});
