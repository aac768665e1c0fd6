/** Raw TCP through two sidecars, connections that were redirected, and captured plaintext. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { AddressSchema, InboundSchema, MeshSchema, MtlsMode, Protocol, Tunnel } from "../../model/index.ts";
import { kernelBytes } from "../testing/kernel-bytes.ts";
import { eventually, freePort, scrape, settles } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

describe("TCP through two sidecars", () => {
  test("a server that speaks first is heard although nothing declares it", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk), {
      onOpen: (peer) => peer.socket.write("220 ready\r\n"),
    });
    const server = await mesh.server("echo-1", app.port, Protocol.UNSPECIFIED);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.UNSPECIFIED });
    const first = await RawClient.connect(client.port);
    await first.until("220 ready\r\n");
    first.write("EHLO\r\n");
    await first.until("EHLO\r\n");
    app.stop();
  });

  test("HTTP on an undeclared port is recognised and counted as HTTP", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port, Protocol.UNSPECIFIED);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.UNSPECIFIED });
    const peer = await RawClient.connect(client.port);
    peer.write("G");
    await Bun.sleep(5);
    peer.write("ET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    expect(client.agent.telemetry?.take()?.edges[0]?.protocol).toBe("http");
    app.stop();
  });

  test("each side's end reaches the other while the other direction goes on", async () => {
    await using mesh = new TestMesh();
    const app = Bun.listen<{ text: string }>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: {
        open(socket) {
          socket.data = { text: "" };
        },
        data(socket, chunk) {
          socket.data.text += chunk.toString();
        },
        // Answers only when the client has finished: what `nc` and many line protocols do.
        end(socket) {
          socket.end(`got ${socket.data.text}`);
        },
      },
    });
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    const peer = await RawClient.connect(client.port);
    peer.write("all of it");
    peer.shutdown();
    expect(await peer.toEnd()).toBe("got all of it");
    await eventually(
      async () => (await scrape(client.proxy)).includes("weft_requests_in_flight 0"),
      "closed",
    );
    const edges = client.agent.telemetry?.take()?.edges ?? [];
    expect(edges).toHaveLength(1);
    expect(edges[0]).toMatchObject({
      protocol: "tcp",
      responseClass: "ok",
      count: 1n,
      requestBytes: 9n,
      responseBytes: 13n,
    });
    app.stop(true);
  });

  test("a reset on one side is a reset on the other", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => peer.socket.terminate());
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    const peer = await RawClient.connect(client.port);
    peer.write("x");
    await peer.toEnd();
    await eventually(
      async () => (await scrape(client.proxy)).includes('error_type="upstream_reset"'),
      "counted",
    );
    app.stop();
  });

  test("an endpoint that cannot be connected is passed over, and the first bytes are not lost", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const good = await mesh.server("echo-1", app.port, Protocol.TCP);
    const dead = { ...good.endpoint, workload: "default/echo-2", tunnelPort: freePort() };
    const client = await mesh.client([good.endpoint, dead], { protocol: Protocol.TCP });
    for (let i = 0; i < 6; i++) {
      const peer = await RawClient.connect(client.port);
      peer.write(`line ${i}\n`);
      await peer.until(`line ${i}\n`);
      peer.terminate();
    }
    app.stop();
  });

  test("a client that reads slowly slows the server down", async () => {
    await using mesh = new TestMesh();
    const size = 64 * 1_048_576;
    const chunk = Buffer.alloc(65_536);
    let sent = 0;
    const send = (socket: Bun.Socket<unknown>): void => {
      while (sent < size) {
        const written = socket.write(chunk);
        sent += Math.max(0, written);
        if (written < chunk.length) return;
      }
    };
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: send, drain: send, data() {} },
    });
    const server = await mesh.server("echo-1", app.port, Protocol.TCP);
    const client = await mesh.client([server.endpoint], { protocol: Protocol.TCP });
    const peer = await RawClient.connect(client.port);
    await peer.bytes(1);
    peer.pause();
    await settles(() => sent);
    expect(sent).toBeLessThan(size);
    expect(sent - peer.totalBytes - kernelBytes()).toBeLessThan(4 * 1_048_576);
    peer.resume();
    await eventually(
      () => {
        peer.forget();
        return sent >= size;
      },
      "the rest",
      10_000,
    );
    app.stop(true);
  });
});

describe("redirected connections", () => {
  /** Stands for the listener on 15001: nothing is redirected in a unit test, so the destination is given. */
  async function redirected(
    mesh: TestMesh,
    configuration: Parameters<TestMesh["agent"]>[1],
    destination: { readonly address: string; readonly port: number },
  ) {
    const agent = mesh.agent("web", configuration);
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("web", "web"),
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => destination },
    );
    return { agent, proxy, port: proxy.bound.outbound[0]?.port ?? 0 };
  }

  test("an address outside the mesh's prefixes causes no lookup and is denied", async () => {
    await using mesh = new TestMesh();
    const { agent, proxy, port } = await redirected(
      mesh,
      { mesh: mesh.mesh },
      { address: "192.0.2.1", port: 80 },
    );
    agent.isMute = true;
    const peer = await RawClient.connect(port);
    expect(await peer.toEnd()).toBe("");
    expect(await scrape(proxy)).toContain('refused_total{listener="outbound",reason="destination_denied"} 1');
  });

  test("an address outside passes through as it is where the mesh allows it", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer, chunk) => peer.socket.write(chunk));
    const allowing = create(MeshSchema, { ...mesh.mesh, allowUnknownDestinations: true });
    const { port } = await redirected(mesh, { mesh: allowing }, { address: "127.0.0.1", port: app.port });
    const peer = await RawClient.connect(port);
    peer.write("as it is");
    expect(await peer.until("as it is")).toBe("as it is");
    app.stop();
  });

  test("an address inside that nobody can tell about is reset after the deadline, never passed through", async () => {
    await using mesh = new TestMesh();
    const { agent, proxy, port } = await redirected(
      mesh,
      { mesh: mesh.mesh },
      { address: "240.240.0.9", port: 80 },
    );
    agent.isMute = true;
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await peer.toEnd()).toBe("");
    expect(await scrape(proxy)).toContain('reason="discovery_unavailable"} 1');
  });

  test("an address inside that belongs to nothing is reset at once", async () => {
    await using mesh = new TestMesh();
    const { proxy, port } = await redirected(mesh, { mesh: mesh.mesh }, { address: "240.240.0.9", port: 80 });
    const peer = await RawClient.connect(port);
    expect(await peer.toEnd()).toBe("");
    expect(await scrape(proxy)).toContain('reason="destination_unknown"} 1');
  });

  test("a service's virtual IP leads to its endpoints, whatever Host says", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const service = create(AddressSchema, {
      target: { case: "service", value: { namespace: "default", name: "echo", ports: [{ port: 80 }] } },
    });
    const { port } = await redirected(
      mesh,
      { ...mesh.clientConfiguration([server.endpoint]), destinations: { "240.240.0.1": service } },
      { address: "240.240.0.1", port: 80 },
    );
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\r\nhost: somebody-else\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    app.stop();
  });

  test("a workload's own address is reached through its tunnel, without routes", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const { identity, tunnelAddress, tunnelPort } = server.endpoint;
    const workload = create(AddressSchema, {
      target: {
        case: "workload",
        value: { workload: "default/echo-1", identity, tunnel: Tunnel.WEFT, tunnelAddress, tunnelPort },
      },
    });
    const prefixes = create(MeshSchema, { ...mesh.mesh, workloadPrefixes: ["127.0.0.0/8"] });
    const { agent, port } = await redirected(
      mesh,
      { mesh: prefixes, destinations: { "127.0.0.1": workload } },
      { address: "127.0.0.1", port: app.port },
    );
    const peer = await RawClient.connect(port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    const edge = agent.telemetry?.take()?.edges[0];
    expect([edge?.destinationWorkload, edge?.mtls, edge?.route]).toEqual(["default/echo-1", true, ""]);
    app.stop();
  });
});

describe("captured plaintext", () => {
  async function captured(mode: "strict" | "permissive", port: number, mesh: TestMesh) {
    const inbound = create(InboundSchema, {
      workload: "default/echo-1",
      mtls: mode === "strict" ? MtlsMode.STRICT : MtlsMode.PERMISSIVE,
      ports: [{ port, protocol: Protocol.HTTP, services: ["default/echo"] }],
    });
    const agent = mesh.agent("echo", { mesh: mesh.mesh, inbound, addresses: ["127.0.0.1"] });
    return await mesh.run(
      {
        ...mesh.bootstrap("echo-1", "echo"),
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => ({ address: "127.0.0.1", port }) },
    );
  }

  test("is refused where the workload requires mTLS, and counted", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const proxy = await captured("strict", app.port, mesh);
    const peer = await RawClient.connect(proxy.bound.plaintextPort ?? 0);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect(await peer.toEnd()).toBe("");
    expect(await scrape(proxy)).toContain('refused_total{listener="plaintext",reason="mtls_required"} 1');
    expect(app.connections.length).toBe(0);
    app.stop();
  });

  test("reaches the application where it is permitted, without a forged identity", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      seen = peer.received;
      peer.socket.write(hello);
    });
    const proxy = await captured("permissive", app.port, mesh);
    const peer = await RawClient.connect(proxy.bound.plaintextPort ?? 0);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\nx-forwarded-client-cert: URI=spiffe://forged\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    expect(seen).not.toContain("forged");
    app.stop();
  });

  test("on the capture port itself is refused: forwarding it would loop", async () => {
    await using mesh = new TestMesh();
    // Nothing is redirected here, so the kernel knows no original destination, as with a direct dial.
    const agent = mesh.agent("echo", { mesh: mesh.mesh });
    const proxy = await mesh.run(
      {
        ...mesh.bootstrap("echo-1", "echo"),
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
    );
    const peer = await RawClient.connect(proxy.bound.plaintextPort ?? 0);
    expect(await peer.toEnd()).toBe("");
    expect(await scrape(proxy)).toContain('refused_total{listener="plaintext",reason="target_unknown"} 1');
  });
});
