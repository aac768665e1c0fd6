/** Certificates of clients at a gateway: who comes in, and what backends are told. */
import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { connect as connectHttp2 } from "node:http2";
import { create } from "@bufbuild/protobuf";
import {
  CertificateSchema,
  type ClientValidation,
  ClientValidationMode,
  ClientValidationSchema,
  GatewaySchema,
  Protocol,
  TlsMode,
  Tunnel,
} from "../../model/index.ts";
import { publicCertificate } from "../agent/test/public-certificate.ts";
import { ClientAuthority, type ClientCertificate } from "../testing/client-authority.ts";
import { freePort } from "../testing/eventually.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";
import { TestAuthority } from "../testing/test-authority.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const dayMs = 86_400_000;
const root = new ClientAuthority("clients");
const other = new ClientAuthority("others");
const own = root.issue("a");
const foreign = other.issue("a");
const expired = root.issue("a", -3 * dayMs);
const hashOf = (pem: string): string =>
  createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");

const validation = (mode: ClientValidationMode, caPem = root.pem): ClientValidation =>
  create(ClientValidationSchema, { mode, caPem });
const validOnly = validation(ClientValidationMode.VALID_ONLY);
const fallback = validation(ClientValidationMode.INSECURE_FALLBACK);

const shown = publicCertificate("a.example");
const certificate = create(CertificateSchema, {
  source: { kind: "Secret", namespace: "default", name: "a" },
  certificateChainPem: shown.certChainPem,
  privateKeyPem: shown.privateKeyPem,
});

/** A gateway with a listener of HTTPS and one of HTTP; its backend is dialled directly, or through its sidecar. */
async function gateway(mesh: TestMesh, clients?: ClientValidation, tunnel: Tunnel = Tunnel.NONE) {
  const seen: string[] = [];
  const app = rawServer((peer) => {
    seen.push(peer.received);
    peer.received = "";
    peer.socket.write(hello);
  });
  const server = await mesh.server("echo-1", app.port);
  const direct = { ...server.endpoint, tunnel, identity: "", tunnelAddress: "", tunnelPort: 0 };
  const endpoint = tunnel === Tunnel.NONE ? direct : server.endpoint;
  const [port, plainPort] = [freePort(), freePort()];
  const hosts = [
    {
      hostname: "*",
      http: {
        entries: [{ match: {}, rule: 0 }],
        rules: [{ backends: [{ cluster: "default/echo:80", weight: 1 }] }],
      },
    },
  ];
  const configuration = (asked: ClientValidation | undefined) => ({
    ...mesh.clientConfiguration([endpoint]),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        listeners: [
          {
            name: "https",
            port,
            hostname: "*",
            protocol: Protocol.HTTP,
            tls: {
              mode: TlsMode.TERMINATE,
              certificates: ["default/a"],
              ...(asked === undefined ? {} : { clients: asked }),
            },
            virtualHosts: hosts,
          },
          { name: "http", port: plainPort, hostname: "*", protocol: Protocol.HTTP, virtualHosts: hosts },
        ],
        certificates: ["default/a"],
      }),
    ],
    certificates: [certificate],
  });
  const agent = mesh.agent("edge", configuration(clients));
  await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
  );
  return {
    port,
    plainPort,
    seen,
    stop: () => app.stop(),
    ask: (asked: ClientValidation | undefined) => agent.configure(configuration(asked)),
  };
}

function options(port: number, client: ClientCertificate | undefined) {
  return {
    host: "127.0.0.1",
    port,
    servername: "a.example",
    rejectUnauthorized: false,
    ...(client === undefined ? {} : { cert: client.certChainPem, key: client.privateKeyPem }),
  };
}

/** Status of a request; undefined: the connection was closed without an answer. */
async function get(socket: TLSSocket, headers = ""): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
    const status = /^HTTP\/1\.1 (?<status>\d{3})/.exec(text)?.groups?.["status"];
    if (status !== undefined) resolve(Number(status));
  });
  socket.on("error", () => resolve(undefined));
  socket.on("close", () => resolve(undefined));
  socket.write(`GET / HTTP/1.1\r\nhost: a.example\r\n${headers}\r\n`);
  const status = await promise;
  socket.removeAllListeners("data");
  return status;
}

async function request(
  port: number,
  client: ClientCertificate | undefined,
  headers = "",
): Promise<number | undefined> {
  const socket = connectTls(options(port, client));
  const status = await get(socket, headers);
  socket.destroy();
  return status;
}

const forged = 'X-Forwarded-Client-Cert: Hash=00;Subject="CN=admin"\r\n';
const toldOf = (text: string | undefined): string[] =>
  [...(text ?? "").matchAll(/^x-forwarded-client-cert: (?<value>.*)\r$/gim)].map(
    (match) => match.groups?.["value"] ?? "",
  );

describe("a listener that wants valid certificates", () => {
  test("lets a client with one in, and tells the backend of it in the place of what the client says", async () => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, validOnly);
    expect(await request(at.port, own, forged)).toBe(200);
    expect(toldOf(at.seen[0])).toEqual([
      `Hash=${hashOf(own.certChainPem)};Subject="CN=a,O=weft";URI=urn:client:a;DNS=a.client`,
    ]);
    at.stop();
  });

  test.each([
    ["no certificate", undefined],
    ["one of another authority", foreign],
    ["one that has expired", expired],
  ])("shuts a client out that has %s", async (_, client) => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, validOnly);
    expect(await request(at.port, client)).toBeUndefined();
    expect(at.seen).toEqual([]);
    at.stop();
  });

  test("resumes no session, which would skip the check", async () => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, validOnly);
    const first = connectTls(options(at.port, own));
    let session: Buffer | undefined;
    first.on("session", (ticket) => (session = ticket));
    expect(await get(first)).toBe(200);
    first.destroy();
    expect(session).toBeUndefined();
    at.stop();
  });

  test("tells of the certificate over HTTP/2 too", async () => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, validOnly);
    const session = connectHttp2(`https://a.example:${at.port}`, {
      ...options(at.port, own),
      ALPNProtocols: ["h2"],
    });
    const stream = session.request({
      ":path": "/",
      ":authority": "a.example",
      "x-forwarded-client-cert": "forged",
    });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    stream.on("response", (head) => resolve(head[":status"]));
    stream.on("error", reject);
    session.on("error", reject);
    expect(await promise).toBe(200);
    session.destroy();
    expect(toldOf(at.seen[0])).toEqual([expect.stringContaining(`Hash=${hashOf(own.certChainPem)}`)]);
    at.stop();
  });
});

describe("a listener that takes anybody", () => {
  test.each([
    ["no certificate", undefined],
    ["one of another authority", foreign],
    ["one that has expired", expired],
  ])("says nothing of a client with %s", async (_, client) => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, fallback);
    expect(await request(at.port, client, forged)).toBe(200);
    expect(toldOf(at.seen[0])).toEqual([]);
    at.stop();
  });

  test("tells of a certificate that is valid", async () => {
    await using mesh = new TestMesh();
    const at = await gateway(mesh, fallback);
    expect(await request(at.port, own)).toBe(200);
    expect(toldOf(at.seen[0])).toHaveLength(1);
    at.stop();
  });
});

test("what clients say of certificates is taken away where nobody asks for any", async () => {
  await using mesh = new TestMesh();
  const at = await gateway(mesh);
  expect(await request(at.port, own, forged)).toBe(200);
  const plain = await RawClient.connect(at.plainPort);
  plain.write(`GET / HTTP/1.1\r\nhost: a.example\r\n${forged}\r\n`);
  expect((await plain.response()).status).toBe(200);
  expect(at.seen.map(toldOf)).toEqual([[], []]);
  at.stop();
});

test.each([
  ["a gateway", "edge", 2],
  ["anybody else", "web", 1],
])("a sidecar believes what %s says of its clients", async (_, account, elements) => {
  const authority = new TestAuthority();
  await using mesh = new TestMesh(authority, { gatewayIdentities: [authority.identity(account)] });
  const at = await gateway(mesh, validOnly, Tunnel.WEFT);
  expect(await request(at.port, own, forged)).toBe(200);
  const [told = ""] = toldOf(at.seen[0]);
  const parts = told.split(",By=");
  expect(parts).toHaveLength(elements);
  // Envoy's order: By, Hash, Subject, URI.
  expect(told).toMatch(/By=[^;]+;Hash=[0-9a-f]{64};Subject="[^"]*";URI=[^;,]+$/);
  expect(told).toContain(`By=${authority.identity("echo")};Hash=`);
  expect(told).toEndWith(`;URI=${authority.identity("edge")}`);
  expect(told.startsWith(`Hash=${hashOf(own.certChainPem)}`)).toBe(elements === 2);
  at.stop();
});

test.each([
  ["is asked for only now", undefined, validOnly, 421],
  ["is another authority's by now", validOnly, validation(ClientValidationMode.VALID_ONLY, other.pem), 421],
  ["is no longer needed", validOnly, fallback, 200],
  ["is checked as before", validOnly, validation(ClientValidationMode.VALID_ONLY), 200],
])("a connection whose certificate %s", async (_, before, after, expected) => {
  await using mesh = new TestMesh();
  const at = await gateway(mesh, before);
  const socket = connectTls(options(at.port, own));
  expect(await get(socket)).toBe(200);
  at.ask(after);
  expect(await get(socket)).toBe(expected);
  socket.destroy();
  at.stop();
});
