/** Ports that declare nothing: who speaks first decides, whatever is remembered, and nobody waits for a guess. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { InboundSchema, MtlsMode, Protocol } from "../../model/index.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient, type RawServer, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const undeclared = { protocol: Protocol.UNSPECIFIED };
const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const greeting = "220 ready\r\n";
const http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** Greets, and echoes lines. */
function greeter(): RawServer {
  return rawServer((peer, chunk) => peer.socket.write(chunk), {
    onOpen: (peer) => peer.socket.write(greeting),
  });
}

/** Answers HTTP where it sees HTTP, echoes everything else: what a stand-in of every protocol does. */
function echo(): RawServer {
  return rawServer((peer, chunk) => {
    if (peer.received.startsWith("GET ")) peer.socket.write(hello);
    else peer.socket.write(chunk);
  });
}

async function behind(mesh: TestMesh, app: RawServer, options: Parameters<TestMesh["client"]>[2] = {}) {
  const server = await mesh.server("echo-1", app.port, Protocol.UNSPECIFIED);
  const client = await mesh.client([server.endpoint], undeclared, options);
  return { ...client, server };
}

const edgesOf = (agent: {
  telemetry: { take(): { edges: readonly { protocol: string }[] } | undefined } | undefined;
}) => (agent.telemetry?.take()?.edges ?? []).map((edge) => edge.protocol);

describe("nothing is known", () => {
  test("a client that connects early and speaks HTTP late is served as HTTP; the connection opened meanwhile is unused", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const { port, agent, server } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    await eventually(() => app.connections.length === 1, "the endpoint is dialled meanwhile");
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    expect(app.connections.map((each) => each.received)).toEqual(["", ""]);
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    await eventually(
      async () => (await scrape(server.proxy)).includes("weft_requests_in_flight 0"),
      "dropped",
    );
    expect(edgesOf(agent)).toEqual(["http"]);
    // On the other side it is not taken for a session of TCP either.
    expect(edgesOf(server.agent)).toEqual(["http"]);
    app.stop();
  });

  test("HTTP/2 by prior knowledge is told in any split", async () => {
    await using mesh = new TestMesh();
    const app = echo();
    const { port } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    await eventually(() => app.connections.length === 1, "dialled meanwhile");
    peer.write(http2.slice(0, 5));
    peer.write(http2.slice(5));
    peer.write(emptySettings);
    expect((await peer.bytes(9)).subarray(3, 5)).toEqual(Buffer.from([4, 0]));
    app.stop();
  });

  test("other bytes go over the connection that was opened meanwhile", async () => {
    await using mesh = new TestMesh();
    const app = echo();
    const { port, agent } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    await eventually(() => app.connections.length === 1, "dialled meanwhile");
    peer.write("*1\r\n$4\r\nPING\r\n");
    await peer.until("PING\r\n");
    expect(app.connections.length).toBe(1);
    peer.close();
    await eventually(() => edgesOf(agent)[0] === "tcp", "counted");
    app.stop();
  });

  test("a client that only listens gets what the server says, and its end", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {}, { onOpen: (peer) => peer.socket.end("12:00\r\n") });
    const { port } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    peer.shutdown();
    expect(await peer.toEnd()).toBe("12:00\r\n");
    app.stop();
  });

  test("a server that hangs up without a word is seen to do so", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(() => {}, { onOpen: (peer) => peer.socket.end() });
    const { port } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    expect(await peer.toEnd()).toBe("");
    app.stop();
  });

  test("a silent client of an application that is down is reset, with the reason", async () => {
    await using mesh = new TestMesh();
    const app = echo();
    const { port, server } = await behind(mesh, app);
    app.stop();
    const peer = await RawClient.connect(port);
    expect(await peer.toEnd()).toBe("");
    await eventually(
      async () => (await scrape(server.proxy)).includes('error_type="application_unreachable"'),
      "counted",
    );
  });

  test("part of a line that never ends is bytes", async () => {
    await using mesh = new TestMesh();
    const app = echo();
    const { port } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    peer.write("hello");
    await peer.until("hello");
    app.stop();
  });

  test("a request line of several kilobytes that comes in parts is HTTP", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const { port, agent } = await behind(mesh, app);
    const peer = await RawClient.connect(port);
    peer.write(`GET /${"a".repeat(1_400)}`);
    peer.write(`${"b".repeat(1_400)} HTTP/1.1\r\nhost: echo\r\n\r\n`);
    expect((await peer.response()).body).toBe("hello");
    expect(edgesOf(agent)).toEqual(["http"]);
    app.stop();
  });
});

describe("what is remembered", () => {
  test("survives a restart: the greeting waits for no silence", async () => {
    await using mesh = new TestMesh();
    const dataDir = mkdtempSync(join(tmpdir(), "weft-data-"));
    const app = greeter();
    const first = await behind(mesh, app, { dataDir });
    const peer = await RawClient.connect(first.port);
    await peer.until(greeting);
    peer.terminate();
    await first.proxy.drain();
    // A clock that stands still: nothing that waits would ever go on.
    const second = await mesh.client([first.server.endpoint], undeclared, {
      dataDir,
      clock: new VirtualClock(),
    });
    await (await RawClient.connect(second.port)).until(greeting);
    app.stop();
    rmSync(dataDir, { recursive: true });
  });

  test("of HTTP: a silent client causes no connection, and one that speaks later is served", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const clock = new VirtualClock();
    const { port } = await behind(mesh, app, { clock });
    const peer = await RawClient.connect(port);
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    const spare = await RawClient.connect(port);
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    clock.advance(2_900);
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    expect(app.connections.length).toBe(1);
    spare.write(get);
    expect((await spare.response()).body).toBe("hello");
    app.stop();
  });

  test("of HTTP is wrong where the server speaks first now: it is heard after a while, next time at once", async () => {
    await using mesh = new TestMesh();
    const app = rawServer(
      (peer, chunk) => peer.socket.write(peer.received.startsWith("GET ") ? hello : chunk),
      { onOpen: (peer) => void (isGreeting && peer.socket.write(greeting)) },
    );
    let isGreeting = false;
    const clock = new VirtualClock();
    const { port } = await behind(mesh, app, { clock });
    const before = await RawClient.connect(port);
    before.write(get);
    expect((await before.response()).body).toBe("hello");
    before.terminate();
    isGreeting = true;
    const first = await RawClient.connect(port);
    await eventually(() => {
      clock.advance(100);
      return first.totalBytes > 0;
    }, "the greeting");
    await first.until(greeting);
    const second = await RawClient.connect(port);
    await second.until(greeting);
    app.stop();
  });

  test("of HTTP: a server that gives a silent connection up does not end the client's", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const clock = new VirtualClock();
    const { port } = await behind(mesh, app, { clock });
    const peer = await RawClient.connect(port);
    peer.write(get);
    await peer.response();
    const spare = await RawClient.connect(port);
    await eventually(() => {
      clock.advance(100);
      return app.connections.length === 2;
    }, "dialled after all");
    app.connections[1]?.socket.end();
    spare.write(get);
    expect((await spare.response()).body).toBe("hello");
    app.stop();
  });

  test("of a server that speaks first is wrong where the client speaks HTTP first", async () => {
    await using mesh = new TestMesh();
    let isGreeting = true;
    const app = rawServer((peer) => void (peer.received.endsWith("\r\n\r\n") && peer.socket.write(hello)), {
      onOpen: (peer) => void (isGreeting && peer.socket.write(greeting)),
    });
    const { port, agent } = await behind(mesh, app);
    const first = await RawClient.connect(port);
    await first.until(greeting);
    first.terminate();
    isGreeting = false;
    for (let i = 0; i < 3; i++) {
      const peer = await RawClient.connect(port);
      peer.write(get);
      expect((await peer.response()).body).toBe("hello");
    }
    expect(edgesOf(agent)).toContain("http");
    app.stop();
  });

  test("of bytes: the endpoint is dialled at once", async () => {
    await using mesh = new TestMesh();
    const app = echo();
    const clock = new VirtualClock();
    const { port } = await behind(mesh, app, { clock });
    const first = await RawClient.connect(port);
    first.write("*1\r\n");
    await first.until("*1\r\n");
    await RawClient.connect(port);
    await eventually(() => app.connections.length === 2, "dialled with the clock standing still");
    app.stop();
  });
});

describe("captured plaintext that declares nothing", () => {
  async function captured(mesh: TestMesh, app: RawServer) {
    const inbound = create(InboundSchema, {
      workload: "default/echo-1",
      mtls: MtlsMode.PERMISSIVE,
      ports: [{ port: app.port, protocol: Protocol.UNSPECIFIED, services: ["default/echo"] }],
    });
    const agent = mesh.agent("echo", { mesh: mesh.mesh, inbound, addresses: ["127.0.0.1"] });
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("echo-1", "echo"),
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => ({ address: "127.0.0.1", port: app.port }) },
    );
    return { agent, port: proxy.bound.plaintextPort ?? 0 };
  }

  test("a server that speaks first is heard", async () => {
    await using mesh = new TestMesh();
    const app = greeter();
    const { port } = await captured(mesh, app);
    const peer = await RawClient.connect(port);
    await peer.until(greeting);
    peer.write("EHLO\r\n");
    await peer.until("EHLO\r\n");
    app.stop();
  });

  test("a client that speaks HTTP late is served as HTTP", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const { port, agent } = await captured(mesh, app);
    const peer = await RawClient.connect(port);
    await eventually(() => app.connections.length === 1, "dialled meanwhile");
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    expect(edgesOf(agent)).toEqual(["http"]);
    app.stop();
  });
});

describe("a port that declares HTTP", () => {
  test("and whose server speaks first: the client is told by a reset after a while, next time at once, and why is counted", async () => {
    await using mesh = new TestMesh();
    const app = greeter();
    const clock = new VirtualClock();
    const server = await mesh.server("echo-1", app.port);
    const { port, proxy } = await mesh.client([server.endpoint], {}, { clock });
    const first = await RawClient.connect(port);
    await eventually(() => {
      clock.advance(100);
      return first.isReset;
    }, "told");
    const second = await RawClient.connect(port);
    await eventually(() => second.isReset, "told with the clock standing still");
    expect(first.totalBytes + second.totalBytes).toBe(0);
    expect(await scrape(proxy)).toMatch(/error_type="protocol_mismatch"\} 2/);
    app.stop();
  });

  test("and where the client is slow to speak: served, whatever its server does with a silent connection", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const clock = new VirtualClock();
    const server = await mesh.server("echo-1", app.port);
    const { port, agent } = await mesh.client([server.endpoint], {}, { clock });
    const peer = await RawClient.connect(port);
    await eventually(() => {
      clock.advance(100);
      return app.connections.length === 1;
    }, "its server is listened to");
    app.connections[0]?.socket.end();
    peer.write(get);
    expect((await peer.response()).body).toBe("hello");
    expect(edgesOf(agent)).toEqual(["http"]);
    app.stop();
  });
});
