/** Calls to external services through a sidecar, over real sockets, with a resolver of the tests' own. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { ClusterSchema, Protocol } from "../../model/index.ts";
import { clientHello } from "../testing/client-hello.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import { ExternalScene, get, httpServer, type ServiceOptions, virtualIp } from "../testing/external-scene.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

/** unrecognized_name */
const alert = [21, 3, 3, 0, 2, 2, 112];

describe("a service whose place is a name", () => {
  const service = (port: number): ServiceOptions => ({
    name: "api",
    port: 80,
    protocol: Protocol.HTTP,
    cluster: { dns: { hosts: [{ name: "api.example.com", port, weight: 1 }] } },
  });

  test("is reached at its virtual address, the first request waiting until it is looked up", async () => {
    const app = httpServer("api");
    const zone = { names: { "api.example.com": ["127.0.0.1"] } };
    await using scene = await ExternalScene.start(
      [service(app.port)],
      { address: virtualIp, port: 80 },
      { zone },
    );
    const peer = await scene.dial();
    peer.write(get("api.example.com"));
    expect((await peer.response()).body).toBe("api api.example.com");
    peer.write(get("api.example.com"));
    expect((await peer.response()).body).toBe("api api.example.com");
    expect(app.connections.length).toBe(1);
    expect(scene.dns.asked.toSorted()).toEqual(["udp api.example.com 1", "udp api.example.com 28"]);
    expect(await scrape(scene.proxy)).toContain('weft_name_lookups_total{outcome="resolved"} 1');
    app.stop();
  });

  test("that does not resolve answers 503, and the log says why", async () => {
    await using scene = await ExternalScene.start([service(80)], { address: virtualIp, port: 80 });
    const peer = await scene.dial();
    peer.write(get("api.example.com"));
    expect((await peer.response()).status).toBe(503);
    const [line] = await scene.log();
    expect(line).toMatchObject({
      reason: "no_endpoint",
      detail: "api.example.com does not exist in DNS",
      destination_service: "shop/api",
    });
    expect(await scrape(scene.proxy)).toContain('weft_name_lookups_total{outcome="empty"} 1');
  });
});

describe("a wildcard whose names lead to their own addresses", () => {
  const service = (port: number, protocol: Protocol): ServiceOptions => ({
    name: "wild",
    port: 80,
    protocol,
    hosts: ["*.example.org"],
    cluster: { original: { port } },
  });
  const zone = {
    names: {
      "a.example.org": ["127.0.0.1"],
      "b.example.org": ["127.0.0.1"],
      "evil.example.com": ["127.0.0.1"],
    },
  };
  const destination = { address: virtualIp, port: 80 };

  test("takes each request where its Host leads, and refuses a Host that is none of its own", async () => {
    const app = httpServer("wild");
    await using scene = await ExternalScene.start([service(app.port, Protocol.HTTP)], destination, { zone });
    const peer = await scene.dial();
    peer.write(get("a.example.org"));
    expect((await peer.response()).body).toBe("wild a.example.org");
    peer.write(get("B.example.org:80"));
    expect((await peer.response()).body).toBe("wild B.example.org:80");
    for (const host of ["evil.example.com", "example.org", "127.0.0.1", virtualIp]) {
      peer.write(get(host));
      expect((await peer.response()).status).toBe(502);
    }
    expect((await scene.log(6)).slice(2).map(({ reason }) => reason)).toEqual(
      Array(4).fill("destination_denied"),
    );
    expect(scene.dns.asked.filter((line) => line.includes("evil"))).toEqual([]);
    app.stop();
  });

  test("a silent client of HTTP is not dialled for, and has its time", async () => {
    const app = httpServer("wild");
    const clock = new VirtualClock();
    const services = [service(app.port, Protocol.HTTP)];
    await using scene = await ExternalScene.start(services, destination, { zone, clock });
    const peer = await scene.dial();
    await eventually(
      async () => (await scrape(scene.proxy)).includes('accepted_total{listener="outbound"} 1'),
      "accepted",
    );
    // Where there is an endpoint, this is when it would be dialled to hear whether it speaks first.
    clock.advance(4_000);
    expect(app.connections.length).toBe(0);
    peer.write(get("a.example.org"));
    expect((await peer.response()).body).toBe("wild a.example.org");
    app.stop();
  });

  test("are nobody's without hosts, where nothing but a name says where to go", async () => {
    await using mesh = new TestMesh();
    const original = create(ClusterSchema, { namespace: "default", service: "echo", port: 80, original: {} });
    const client = await mesh.client(
      [],
      {},
      { change: (configuration) => ({ ...configuration, clusters: [original] }) },
    );
    const peer = await RawClient.connect(client.port);
    peer.write(get("127.0.0.1"));
    expect((await peer.response()).status).toBe(502);
    expect(await scrape(client.proxy)).toContain('error_type="destination_denied"');
  });

  test("takes TLS where its server name leads, and refuses others with an alert", async () => {
    const app = rawServer((peer, chunk) => peer.socket.write(`${chunk.length}\n`));
    await using scene = await ExternalScene.start([service(app.port, Protocol.TLS)], destination, { zone });
    const peer = await scene.dial();
    const bytes = clientHello("a.example.org");
    peer.write(bytes.subarray(0, 50));
    await Bun.sleep(2);
    peer.write(bytes.subarray(50));
    await peer.until(`${bytes.length}\n`);
    const foreign = await scene.dial();
    foreign.write(clientHello("evil.example.com"));
    expect([...Buffer.from(await foreign.toEnd(), "latin1")]).toEqual(alert);
    const nameless = await scene.dial();
    nameless.write(clientHello());
    expect([...Buffer.from(await nameless.toEnd(), "latin1")]).toEqual(alert);
    expect(await scrape(scene.proxy)).toContain(
      'refused_total{listener="outbound",reason="destination_denied"} 2',
    );
    peer.terminate();
    app.stop();
  });
});

describe("addresses of their own", () => {
  test("lead to where they were dialled, byte for byte", async () => {
    const app = rawServer((peer, chunk) => peer.socket.write(chunk), {
      onOpen: (peer) => peer.socket.write("220 ready\r\n"),
    });
    const service = { name: "net", port: app.port, protocol: Protocol.TCP, cluster: { original: {} } };
    await using scene = await ExternalScene.start([service], { address: "127.0.0.1", port: app.port });
    const peer = await scene.dial();
    await peer.until("220 ready\r\n");
    peer.write("QUIT\r\n");
    await peer.until("QUIT\r\n");
    peer.terminate();
    app.stop();
  });

  test("that several services share are told apart by Host and by server name", async () => {
    const app = rawServer((peer, chunk) =>
      peer.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-bytes: ${chunk.length}\r\n\r\n`),
    );
    const service = (name: string, protocol: Protocol, host: string): ServiceOptions => ({
      name,
      port: app.port,
      protocol,
      hosts: [host],
      cluster: { original: {} },
    });
    const services = [
      service("one", Protocol.HTTP, "one.example.com"),
      service("two", Protocol.HTTP, "*.two.example.com"),
      service("three", Protocol.TLS, "three.example.com"),
    ];
    await using scene = await ExternalScene.start(services, { address: "127.0.0.1", port: app.port });
    for (const [host, status] of [
      ["one.example.com", 200],
      ["a.two.example.com", 200],
    ] as const) {
      const peer = await scene.dial();
      peer.write(get(host));
      expect((await peer.response()).status).toBe(status);
      // The connection is that service's: no way to the other one.
      peer.write(get(host === "one.example.com" ? "a.two.example.com" : "one.example.com"));
      expect((await peer.response()).status).toBe(502);
      peer.terminate();
    }
    const secure = await scene.dial();
    secure.write(clientHello("three.example.com"));
    await secure.until("x-bytes");
    secure.terminate();
    const foreign = await scene.dial();
    foreign.write(get("four.example.com"));
    expect(await foreign.toEnd()).toBe("");
    const lines = await scene.log(5);
    expect(lines.map((line) => line["destination_service"])).toEqual(
      expect.arrayContaining(["shop/one", "shop/two", "shop/three"]),
    );
    app.stop();
  });

  test("that a service without names shares are its own for whoever names nobody", async () => {
    const app = rawServer(() => {}, { onOpen: (peer) => peer.socket.write("SSH-2.0\r\n") });
    const at = { port: app.port, cluster: { original: {} } };
    const services = [
      { ...at, name: "web", protocol: Protocol.TLS, hosts: ["web.example.com"] },
      { ...at, name: "ssh", protocol: Protocol.TCP },
    ];
    await using scene = await ExternalScene.start(services, { address: "127.0.0.1", port: app.port });
    const peer = await scene.dial();
    await peer.until("SSH-2.0\r\n");
    peer.terminate();
    expect((await scene.log())[0]).toMatchObject({ destination_service: "shop/ssh" });
    app.stop();
  });
});
