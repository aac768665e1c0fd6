/** Calls to external services through a sidecar, over real sockets, with a resolver of the tests' own. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Address,
  AddressSchema,
  ClusterSchema,
  InboundSchema,
  type Mesh,
  MeshSchema,
  NameSchema,
  type Outbound,
  OutboundSchema,
  Protocol,
  type ServiceTargetSchema,
} from "../../model/index.ts";
import { defaultExtensions, helloMessage, inRecords } from "../../net/testdata/hellos.ts";
import { type DnsZone, TestDnsServer } from "../testing/dns-server.ts";
import { eventually, scrape } from "../testing/eventually.ts";
import type { FakeAgent } from "../testing/fake-agent.ts";
import { RawClient, type RawServer, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import type { RunningProxy } from "../running-proxy.ts";

const virtualIp = "240.240.0.9";

interface ServiceOptions {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly hosts?: readonly string[];
  readonly cluster: {
    readonly dns?: {
      readonly hosts: { readonly name: string; readonly port: number; readonly weight: number }[];
    };
    readonly original?: { readonly port?: number };
  };
}

function outboundOf({ name, port, protocol, hosts = [] }: ServiceOptions): Outbound {
  const cluster = `shop/${name}:${port}`;
  return create(OutboundSchema, {
    namespace: "shop",
    service: name,
    port,
    clientNamespace: "default",
    protocol,
    defaultCluster: cluster,
    clusters: [cluster],
    hosts: [...hosts],
  });
}

function targetOf({
  name,
  port,
  protocol,
  hosts = [],
}: ServiceOptions): MessageInitShape<typeof ServiceTargetSchema> {
  return { namespace: "shop", name, ports: [{ port, protocol }], hosts: [...hosts] };
}

function addressOf(services: readonly ServiceOptions[]): Address {
  const [first, ...more] = services.map(targetOf);
  if (first === undefined) throw new Error("an address of nobody");
  return create(AddressSchema, {
    target:
      more.length === 0
        ? { case: "service", value: first }
        : { case: "shared", value: { services: [first, ...more] } },
  });
}

class Scene {
  readonly mesh: TestMesh;
  readonly dns: TestDnsServer;
  readonly agent: FakeAgent;
  readonly proxy: RunningProxy;
  readonly #logFile: string;

  private constructor(
    mesh: TestMesh,
    dns: TestDnsServer,
    sidecar: { readonly agent: FakeAgent; readonly proxy: RunningProxy; readonly logFile: string },
  ) {
    this.mesh = mesh;
    this.dns = dns;
    this.agent = sidecar.agent;
    this.proxy = sidecar.proxy;
    this.#logFile = sidecar.logFile;
  }

  /** A sidecar whose program dials `destination`, where the services are. */
  static async start(
    services: readonly ServiceOptions[],
    destination: { readonly address: string; readonly port: number },
    options: {
      readonly zone?: Partial<DnsZone>;
      readonly meshFields?: {
        readonly allowUnknownDestinations?: boolean;
        readonly hasExternalNames?: boolean;
      };
      readonly denies?: boolean;
    } = {},
  ): Promise<Scene> {
    const mesh = new TestMesh();
    const dns = await TestDnsServer.start({ names: {}, ttlSeconds: 30, ...options.zone });
    const fields: Mesh = create(MeshSchema, {
      ...mesh.mesh,
      externalPrefixes: services.length > 0 ? ["127.0.0.1/32"] : [],
      hasExternalNames: true,
      accessLog: true,
      ...options.meshFields,
    });
    const agent = mesh.agent("web", {
      mesh: fields,
      inbound: create(InboundSchema, {
        workload: "default/web",
        denyUnknownDestinations: options.denies ?? false,
      }),
      outbounds: services.map(outboundOf),
      clusters: services.map(({ name, port, protocol, cluster }) =>
        create(ClusterSchema, {
          namespace: "shop",
          service: name,
          port,
          protocol,
          connectTimeoutMs: 1_000,
          ...cluster,
        }),
      ),
      destinations: services.length > 0 ? { [destination.address]: addressOf(services) } : {},
      names: { "api.example.com": create(NameSchema, { addresses: [virtualIp], ttlSeconds: 30 }) },
    });
    const bootstrap = mesh.bootstrap("web", "web");
    const proxy = await mesh.run(
      {
        ...bootstrap,
        dnsUpstreams: [dns.address],
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => destination },
    );
    return new Scene(mesh, dns, { agent, proxy, logFile: bootstrap.accessLogFile ?? "" });
  }

  dial(): Promise<RawClient> {
    return RawClient.connect(this.proxy.bound.outbound[0]?.port ?? 0);
  }

  /** What the access log holds, once there is as much as that. */
  async log(lines = 1): Promise<Record<string, unknown>[]> {
    const path = this.#logFile;
    let found: Record<string, unknown>[] = [];
    await eventually(async () => {
      const text = await Bun.file(path)
        .text()
        .catch(() => "");
      found = text
        .split("\n")
        .filter(Boolean)
        .map((line): Record<string, unknown> => JSON.parse(line));
      return found.length >= lines;
    }, "lines in the log");
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dns[Symbol.asyncDispose]();
    await this.mesh[Symbol.asyncDispose]();
  }
}

/** Answers each request with `name` and the host that it was asked for. */
function httpServer(name: string): RawServer {
  return rawServer((peer, chunk) => {
    for (const request of Buffer.from(chunk).toString("latin1").split("\r\n\r\n").filter(Boolean)) {
      const host = /\r\nhost: ([^\r]*)/i.exec(request)?.[1] ?? "";
      const body = `${name} ${host}`;
      peer.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    }
  });
}

function get(host: string): string {
  return `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
}

function hello(name: string): Uint8Array {
  return inRecords(helloMessage({ extensions: defaultExtensions(name) }));
}

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
    await using scene = await Scene.start([service(app.port)], { address: virtualIp, port: 80 }, { zone });
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
    await using scene = await Scene.start([service(80)], { address: virtualIp, port: 80 });
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
    await using scene = await Scene.start([service(app.port, Protocol.HTTP)], destination, { zone });
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
    await using scene = await Scene.start([service(app.port, Protocol.HTTP)], destination, { zone });
    const peer = await scene.dial();
    await Bun.sleep(20);
    expect(app.connections.length).toBe(0);
    peer.write(get("a.example.org"));
    expect((await peer.response()).body).toBe("wild a.example.org");
    app.stop();
  });

  test("takes TLS where its server name leads, and refuses others with an alert", async () => {
    const app = rawServer((peer, chunk) => peer.socket.write(`${chunk.length}\n`));
    await using scene = await Scene.start([service(app.port, Protocol.TLS)], destination, { zone });
    const peer = await scene.dial();
    const bytes = hello("a.example.org");
    peer.write(bytes.subarray(0, 50));
    await Bun.sleep(2);
    peer.write(bytes.subarray(50));
    await peer.until(`${bytes.length}\n`);
    const foreign = await scene.dial();
    foreign.write(hello("evil.example.com"));
    expect([...Buffer.from(await foreign.toEnd(), "latin1")]).toEqual(alert);
    const nameless = await scene.dial();
    nameless.write(inRecords(helloMessage({ extensions: [] })));
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
    await using scene = await Scene.start([service], { address: "127.0.0.1", port: app.port });
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
    await using scene = await Scene.start(services, { address: "127.0.0.1", port: app.port });
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
    secure.write(hello("three.example.com"));
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
    await using scene = await Scene.start(services, { address: "127.0.0.1", port: app.port });
    const peer = await scene.dial();
    await peer.until("SSH-2.0\r\n");
    peer.terminate();
    expect((await scene.log())[0]).toMatchObject({ destination_service: "shop/ssh" });
    app.stop();
  });
});

describe("what the mesh does not know", () => {
  test("passes where that is allowed, counted, and the log has the name that was said", async () => {
    const app = httpServer("outside");
    const meshFields = { allowUnknownDestinations: true };
    await using scene = await Scene.start([], { address: "127.0.0.1", port: app.port }, { meshFields });
    const peer = await scene.dial();
    peer.write("GET / HTTP/1.1\r\nuser-agent: test\r\nHOST: www.example.com:8080\r\n\r\n");
    await peer.until("outside");
    peer.shutdown();
    await peer.toEnd();
    const secure = await scene.dial();
    const bytes = hello("secure.example.com");
    secure.write(bytes.subarray(0, 20));
    await Bun.sleep(2);
    secure.write(bytes.subarray(20));
    await Bun.sleep(2);
    secure.shutdown();
    await secure.toEnd();
    const lines = await scene.log(2);
    expect(lines.map(({ detail }) => detail)).toEqual(["www.example.com", "secure.example.com"]);
    expect(lines[0]).toMatchObject({ upstream: `127.0.0.1:${app.port}`, destination_service: "" });
    expect(await scrape(scene.proxy)).toContain("weft_passthrough_connections_total 2");
    app.stop();
  });

  test("is denied where the namespace denies it, and the log says where it was going", async () => {
    const meshFields = { allowUnknownDestinations: true };
    const destination = { address: "192.0.2.1", port: 443 };
    await using scene = await Scene.start([], destination, { meshFields, denies: true });
    const peer = await scene.dial();
    expect(await peer.toEnd()).toBe("");
    expect((await scene.log())[0]).toMatchObject({ reason: "destination_denied", upstream: "192.0.2.1:443" });
    const metrics = await scrape(scene.proxy);
    expect(metrics).toContain('refused_total{listener="outbound",reason="destination_denied"} 1');
    expect(metrics).toContain("weft_passthrough_connections_total 0");
  });
});

describe("names outside of the mesh's domain", () => {
  async function ask(scene: Scene, name: string): Promise<string> {
    const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
    const query = Uint8Array.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_, bytes) => resolve(bytes) },
    });
    socket.send(query, scene.proxy.bound.dns?.port ?? 0, "127.0.0.1");
    const answer = await promise;
    socket.close();
    return (answer[7] ?? 0) === 0 ? `code ${(answer[3] ?? 0) & 15}` : answer.slice(-4).join(".");
  }

  const zone = { names: { "www.example.com": ["192.0.2.80"], "api.example.com": ["192.0.2.81"] } };

  test("lead to an external service's virtual address where they are its, else where they lead", async () => {
    await using scene = await Scene.start([], { address: "192.0.2.1", port: 1 }, { zone });
    expect(await ask(scene, "api.example.com")).toBe(virtualIp);
    expect(scene.agent.prefetched).toContain(virtualIp);
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
  });

  test("lead where they lead while the control plane cannot say, at once where it is not connected", async () => {
    await using scene = await Scene.start([], { address: "192.0.2.1", port: 1 }, { zone });
    scene.agent.isMute = true;
    scene.agent.status = { ...scene.agent.status, isConnected: false };
    const start = performance.now();
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
    // The deadline of a look-up is 100 ms here.
    expect(performance.now() - start).toBeLessThan(100);
    // What was known before is known.
    scene.agent.isMute = false;
    expect(await ask(scene, "api.example.com")).toBe(virtualIp);
    scene.agent.isMute = true;
    scene.agent.status = { ...scene.agent.status, isConnected: true };
    expect(await ask(scene, "www.example.com")).toBe("192.0.2.80");
  });

  test("are nobody's business where there is no external service with a name", async () => {
    const meshFields = { hasExternalNames: false };
    await using scene = await Scene.start([], { address: "192.0.2.1", port: 1 }, { zone, meshFields });
    expect(await ask(scene, "api.example.com")).toBe("192.0.2.81");
  });
});
