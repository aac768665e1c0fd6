/** TLS at a gateway: listeners by server name, what ends here and what passes through, rotation, PROXY protocol. */
import { describe, expect, test } from "bun:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CertificateSchema,
  type Certificate,
  type GatewayListenerSchema,
  GatewaySchema,
  Protocol,
  TlsMode,
} from "../../model/index.ts";
import { publicCertificate } from "../agent/test/public-certificate.ts";
import type { FakeAgent } from "../testing/fake-agent.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { cannedServer, RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

type Listener = MessageInitShape<typeof GatewayListenerSchema>;

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const toEcho = { backends: [{ cluster: "default/echo:80", weight: 1 }] };

function certificate(name: string, host: string, kind?: "ECDSA" | "RSA"): Certificate {
  const { certChainPem, privateKeyPem } = publicCertificate(host, kind);
  return create(CertificateSchema, {
    source: { kind: "Secret", namespace: "default", name },
    certificateChainPem: certChainPem,
    privateKeyPem,
  });
}

function https(name: string, port: number, hostname: string, certificates = [`default/${name}`]): Listener {
  return {
    name,
    port,
    hostname,
    protocol: Protocol.HTTP,
    tls: { mode: TlsMode.TERMINATE, certificates },
    virtualHosts: [{ hostname, http: { entries: [{ match: {}, rule: 0 }], rules: [toEcho] } }],
  };
}

interface ConnectionListener {
  readonly hostname: string;
  readonly tls: { readonly mode: TlsMode; readonly certificates?: string[] };
}

function connections(name: string, port: number, { hostname, tls }: ConnectionListener): Listener {
  return {
    name,
    port,
    hostname,
    tls,
    protocol: Protocol.TLS,
    connections: { entries: [{ hostnames: [], rule: 0 }], rules: [toEcho] },
  };
}

interface Edge {
  readonly port: number;
  readonly agent: FakeAgent;
  readonly metrics: () => Promise<string>;
  configure(listeners: readonly Listener[], certificates: readonly Certificate[]): void;
}

async function edge(
  mesh: TestMesh,
  app: { readonly port: number },
  listeners: (port: number) => readonly Listener[],
  certificates: readonly Certificate[],
): Promise<Edge> {
  const server = await mesh.server("echo-1", app.port);
  const port = freePort();
  const configuration = (wanted: readonly Listener[], known: readonly Certificate[]) => ({
    ...mesh.clientConfiguration([server.endpoint]),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        listeners: [...wanted],
        certificates: known.map((each) => `default/${each.source?.name ?? ""}`),
      }),
    ],
    certificates: known,
  });
  const agent = mesh.agent("edge", configuration(listeners(port), certificates));
  const proxy = await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
  );
  return {
    port,
    agent,
    metrics: () => scrape(proxy),
    configure: (wanted, known) => agent.configure(configuration(wanted, known)),
  };
}

interface Hello {
  readonly servername?: string;
  readonly ALPNProtocols?: string[];
  readonly maxVersion?: "TLSv1.2";
  readonly ciphers?: string;
}

async function handshake(port: number, options: Hello): Promise<TLSSocket> {
  const socket = connectTls({
    host: "127.0.0.1",
    port,
    // Whose certificate it is, is what the tests look at.
    rejectUnauthorized: false,
    ...options,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("secureConnect", resolve);
  socket.once("error", reject);
  await promise;
  return socket;
}

async function get(socket: TLSSocket, host: string): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.endsWith("hello") || text.includes("error, request")) break;
  }
  return text;
}

describe("a TLS port", () => {
  test("chooses listener and certificate by server name, the version of HTTP by ALPN", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const certificates = [certificate("a", "a.example"), certificate("b", "b.example")];
    const { port } = await edge(
      mesh,
      app,
      (at) => [https("a", at, "a.example"), https("b", at, "b.example")],
      certificates,
    );
    for (const name of ["a.example", "b.example"]) {
      const socket = await handshake(port, { servername: name, ALPNProtocols: ["http/1.1"] });
      expect(socket.getPeerCertificate().subjectaltname).toBe(`DNS:${name}`);
      expect(await get(socket, name)).toStartWith("HTTP/1.1 200");
    }
    const http2 = await handshake(port, { servername: "a.example", ALPNProtocols: ["h2", "http/1.1"] });
    expect(http2.alpnProtocol).toBe("h2");
    http2.destroy();
    const old = await handshake(port, { servername: "a.example", maxVersion: "TLSv1.2" });
    expect(old.getProtocol()).toBe("TLSv1.2");
    old.destroy();
    app.stop();
  });

  test("has a certificate of each kind of key for one name, and shows the one that the client can verify", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const { port } = await edge(
      mesh,
      app,
      (at) => [https("a", at, "a.example", ["default/a", "default/rsa"])],
      [certificate("a", "a.example"), certificate("rsa", "a.example", "RSA")],
    );
    const kindFor = async (options: Hello): Promise<string | undefined> => {
      const socket = await handshake(port, { servername: "a.example", ...options });
      const kind = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;
      expect(await get(socket, "a.example")).toStartWith("HTTP/1.1 200");
      return kind;
    };
    expect(await kindFor({})).toBe("ec");
    expect(await kindFor({ maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" })).toBe("rsa");
    expect(await kindFor({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBe("ec");
    app.stop();
  });

  test("refuses names that nobody has, and requests for another listener's", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const certificates = [certificate("a", "a.example"), certificate("b", "b.example")];
    const { port, metrics } = await edge(
      mesh,
      app,
      (at) => [https("a", at, "a.example"), https("b", at, "b.example")],
      certificates,
    );
    const refused = await handshake(port, { servername: "c.example" }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    const socket = await handshake(port, { servername: "a.example" });
    expect(await get(socket, "b.example")).toStartWith("HTTP/1.1 421");
    expect(await metrics()).toContain('error_type="misdirected_request"');
    app.stop();
  });

  test("shows a rotated certificate from the next connection on, and keeps the old ones", async () => {
    await using mesh = new TestMesh();
    const app = cannedServer(hello);
    const before = certificate("a", "a.example");
    const at = await edge(mesh, app, (port) => [https("a", port, "a.example")], [before]);
    const old = await handshake(at.port, { servername: "a.example" });
    at.configure([https("a", at.port, "a.example")], [certificate("a", "a.example")]);
    const fresh = await handshake(at.port, { servername: "a.example" });
    expect(fresh.getPeerCertificate().serialNumber).not.toBe(old.getPeerCertificate().serialNumber);
    expect(await get(old, "a.example")).toStartWith("HTTP/1.1 200");
    fresh.destroy();
    app.stop();
  });

  test("hands a passed-through connection to its server whole, hello included", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => {
      if (peer.received.startsWith("\u0016\u0003") && peer.received.includes("pass.example"))
        peer.socket.write("seen");
    });
    const { port } = await edge(
      mesh,
      app,
      (at) => [
        https("a", at, "a.example"),
        connections("pass", at, { hostname: "pass.example", tls: { mode: TlsMode.PASSTHROUGH } }),
      ],
      [certificate("a", "a.example")],
    );
    const socket = connectTls({ host: "127.0.0.1", port, servername: "pass.example" });
    socket.on("error", () => {});
    await eventually(
      () => app.connections.some((each) => each.received.includes("pass.example")),
      "the hello",
    );
    socket.destroy();
    app.stop();
  });

  test("ends TLS for TCP too", async () => {
    await using mesh = new TestMesh();
    const app = rawServer((peer) => void peer.socket.write(peer.received.toUpperCase()));
    const { port } = await edge(
      mesh,
      app,
      (at) => [
        connections("db", at, {
          hostname: "db.example",
          tls: { mode: TlsMode.TERMINATE, certificates: ["default/db"] },
        }),
      ],
      [certificate("db", "db.example")],
    );
    const socket = await handshake(port, { servername: "db.example" });
    socket.write("ping");
    const [answer] = await Array.fromAsync({
      async *[Symbol.asyncIterator]() {
        for await (const chunk of socket) {
          yield String(chunk);
          return;
        }
      },
    });
    expect(answer).toBe("PING");
    app.stop();
  });
});

describe("a port behind a load balancer", () => {
  test("takes the client's address from the PROXY header, and nobody without one", async () => {
    await using mesh = new TestMesh();
    let seen = "";
    const app = rawServer((peer) => {
      seen = peer.received;
      peer.received = "";
      peer.socket.write(hello);
    });
    const { port } = await edge(
      mesh,
      app,
      (at) => [
        {
          name: "http",
          port: at,
          protocol: Protocol.HTTP,
          proxyProtocol: true,
          virtualHosts: [{ hostname: "*", http: { entries: [{ match: {}, rule: 0 }], rules: [toEcho] } }],
        },
      ],
      [],
    );
    const peer = await RawClient.connect(port);
    peer.write("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
    expect(seen).toContain("x-forwarded-for: 192.0.2.7\r\n");
    const bare = await RawClient.connect(port);
    bare.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await bare.toEnd()).toBe("");
    app.stop();
  });
});

test("a port that becomes a TLS port keeps its socket", async () => {
  await using mesh = new TestMesh();
  const app = cannedServer(hello);
  const plain = (port: number): Listener => ({
    name: "web",
    port,
    protocol: Protocol.HTTP,
    virtualHosts: [{ hostname: "*", http: { entries: [{ match: {}, rule: 0 }], rules: [toEcho] } }],
  });
  const at = await edge(mesh, app, (port) => [plain(port)], []);
  const peer = await RawClient.connect(at.port);
  peer.write("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
  expect((await peer.response()).body).toBe("hello");
  at.configure([https("a", at.port, "a.example")], [certificate("a", "a.example")]);
  expect(await get(await handshake(at.port, { servername: "a.example" }), "a.example")).toStartWith(
    "HTTP/1.1 200",
  );
  peer.write("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
  expect((await peer.response()).body).toBe("hello");
  app.stop();
});
