/** Limits of a service: requests, connections, what latency allows. Through two sidecars, over real sockets. */
import { describe, expect, test } from "bun:test";
import { Protocol } from "../../model/index.ts";
import { eventually } from "../testing/eventually.ts";
import { clientOf, figures, get, ok, statuses } from "../testing/policy-client.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

describe("limits of a service", () => {
  test("requests beyond the bound in flight are refused at once, tried nowhere else, and let in again", async () => {
    await using mesh = new TestMesh();
    const held: (() => void)[] = [];
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      held.push(() => void peer.socket.write(ok("late")));
    });
    const servers = [await mesh.server("echo-1", app.port), await mesh.server("echo-2", app.port)];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { connections: { maxRequests: 2 } },
    );
    const busy = [await RawClient.connect(client.port), await RawClient.connect(client.port)];
    for (const peer of busy) peer.write(get);
    await eventually(() => held.length === 2, "both are under way");
    expect(await statuses(client.port, 3)).toEqual([503, 503, 503]);
    expect(held).toHaveLength(2);
    const seen = await figures(client.proxy);
    expect(seen.of('weft_cluster_limit_reached_total{limit="requests"}')).toBe(3);
    expect(seen.text).not.toContain("weft_retries_total{");
    for (const finish of held.splice(0)) finish();
    for (const peer of busy) expect((await peer.response()).body).toBe("late");
    busy[0]?.write(get);
    await eventually(() => held.length === 1, "there is room again");
    held[0]?.();
    await busy[0]?.response();
    app.stop();
  });

  test("a client that leaves gives its place back", async () => {
    await using mesh = new TestMesh();
    let requests = 0;
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      if (requests++ > 0) peer.socket.write(ok("good"));
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await clientOf(mesh, [server.endpoint], { connections: { maxRequests: 1 } });
    const leaver = await RawClient.connect(client.port);
    leaver.write(get);
    await eventually(() => requests === 1, "it is under way");
    leaver.terminate();
    await eventually(async () => (await statuses(client.port, 1))[0] === 200, "its place");
    app.stop();
  });

  test("TCP connections beyond the bound are reset, and let in when another ends", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const servers = [
      await mesh.server("echo-1", app.port, Protocol.TCP),
      await mesh.server("echo-2", app.port, Protocol.TCP),
    ];
    const client = await clientOf(
      mesh,
      servers.map((each) => each.endpoint),
      { connections: { maxConnections: 1 } },
      Protocol.TCP,
    );
    const first = await RawClient.connect(client.port);
    first.write("hello");
    await first.until("hello");
    const second = await RawClient.connect(client.port);
    second.write("hello");
    expect(await second.toEnd()).toBe("");
    expect((await figures(client.proxy)).of('weft_cluster_limit_reached_total{limit="connections"}')).toBe(1);
    first.terminate();
    await eventually(async () => {
      const next = await RawClient.connect(client.port);
      next.write("again");
      return await next.until("again").then(
        () => true,
        () => false,
      );
    }, "its place");
    app.stop();
  });

  test("TCP connections beyond one endpoint's bound go to another", async () => {
    await using mesh = new TestMesh();
    const apps = ["one", "two"].map((name) =>
      rawServer((peer) => peer.socket.write(name), { onOpen: (peer) => peer.socket.write(name) }),
    );
    const endpoints = [];
    for (const [index, app] of apps.entries()) {
      endpoints.push((await mesh.server(`echo-${index}`, app.port, Protocol.TCP)).endpoint);
    }
    const policy = { connections: {}, maxConnectionsPerEndpoint: 1 };
    const client = await clientOf(mesh, endpoints, policy, Protocol.TCP);
    const [a, b] = [await RawClient.connect(client.port), await RawClient.connect(client.port)];
    const greetings = [(await a.bytes(3)).toString(), (await b.bytes(3)).toString()];
    expect(greetings.toSorted()).toEqual(["one", "two"]);
    const third = await RawClient.connect(client.port);
    expect(await third.toEnd()).toBe("");
    for (const app of apps) app.stop();
  });

  test("a TCP session that carries nothing ends after the service's own time", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const policy = { connections: { tcpIdleTimeoutMs: 50 } };
    const client = await clientOf(mesh, [server.endpoint], policy, Protocol.TCP);
    const peer = await RawClient.connect(client.port);
    peer.write("hello");
    await peer.until("hello");
    expect(await peer.toEnd()).toBe("");
    expect((await figures(client.proxy)).of('weft_limit_reached_total{limit="tcp_idle_timeout"}')).toBe(1);
    app.stop();
  });

  test("over the limit that is learned, the least important requests are refused first", async () => {
    await using mesh = new TestMesh();
    let held = 0;
    const app = rawServer((peer) => {
      if (!peer.received.endsWith("\r\n\r\n")) return;
      peer.received = "";
      held++;
    });
    const server = await mesh.server("echo-1", app.port);
    const client = await clientOf(mesh, [server.endpoint], {
      concurrency: { min: 10, max: 10, priorityHeader: "X-Priority" },
    });
    const send = async (priority: string): Promise<RawClient> => {
      const peer = await RawClient.connect(client.port);
      peer.write(`GET / HTTP/1.1\r\nhost: echo\r\nx-priority: ${priority}\r\n\r\n`);
      return peer;
    };
    const fill = async (priority: string, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const before = held;
        await send(priority);
        await eventually(() => held > before, `request ${before + 1} of ${priority} is let in`);
      }
    };
    const refused = async (priority: string): Promise<number> =>
      (await (await send(priority)).response()).status;
    await fill("sheddable", 8);
    expect(await refused("sheddable")).toBe(503);
    await fill("default", 2);
    expect(await refused("default")).toBe(503);
    await fill("critical", 1);
    expect(await refused("critical")).toBe(503);
    expect(held).toBe(11);
    expect((await figures(client.proxy)).text).toContain('error_type="overloaded"');
    app.stop();
  });
});
