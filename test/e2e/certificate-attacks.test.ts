/**
 * Certificates that are wrong in one way each, shown to a sidecar's door, to a sidecar that dials, and to the control plane: refused
 * before a byte is carried, counted with a reason, and explained in the log. Then each port as openssl sees it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { CertificateAuthority } from "../../src/identity/index.ts";
import { certificateNumber, derToPem, generateKeyAndCsr, pemToDer } from "../../src/identity/x509/index.ts";
import { createLog, formatSpiffeId, type Log } from "../../src/kernel/index.ts";
import {
  type ConnectFailure,
  Connection,
  connect,
  listen,
  meshServerName,
  type TlsIdentity,
} from "../../src/net/index.ts";
import { eventually, scrape } from "../../src/proxy/testing/eventually.ts";
import { cannedServer, RawClient } from "../../src/proxy/testing/raw-peer.ts";
import { TestAuthority } from "../../src/proxy/testing/test-authority.ts";
import { TestMesh, type TestServer } from "../../src/proxy/testing/test-mesh.ts";
import { forge, forgeries, stolenAuthority } from "./harness/forged-certificate.ts";
import { expectOnlyTls13, sClient } from "./harness/tls-scan.ts";

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const timeoutMs = 30_000;

/** The control plane's own CA, in the place of the tests' usual one. */
class RealAuthority extends TestAuthority {
  readonly authority: CertificateAuthority;
  constructor(authority: CertificateAuthority) {
    super();
    this.authority = authority;
  }
  override get trustRootsPem(): string {
    return this.authority
      .trustRoots()
      .map((der) => derToPem(der))
      .join("");
  }
  override issue(serviceAccount: string): TlsIdentity {
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const id = { trustDomain: this.trustDomain, namespace: "default", serviceAccount };
    const { chain } = this.authority.issue(csrDer, id);
    return {
      privateKeyPem,
      certChainPem: chain.map((der) => derToPem(der)).join(""),
      trustRootsPem: this.trustRootsPem,
    };
  }
}

let directory: string;
let authority: RealAuthority;
let lines: string[];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-attacks-"));
  authority = new RealAuthority(
    CertificateAuthority.open(join(directory, "ca"), { trustDomain: "test.weft" }),
  );
  CertificateAuthority.open(join(directory, "other"), { trustDomain: "test.weft" });
  lines = [];
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const log = (): Log => createLog({ format: "json", level: "warn", write: (line) => void lines.push(line) });

function identityOf(serviceAccount: string): string {
  return formatSpiffeId({ trustDomain: "test.weft", namespace: "default", serviceAccount });
}

function attack(kind: string, serviceAccount: string, side: "client" | "server"): TlsIdentity {
  const identity = identityOf(serviceAccount);
  const ca = kind === "of another CA" ? join(directory, "other") : join(directory, "ca");
  return forge(stolenAuthority(ca), authority.trustRootsPem, identity, forgeries(identity, side)[kind] ?? {});
}

const kinds = [...Object.keys(forgeries("spiffe://a/ns/a/sa/a", "client")), "of another CA"];
/** What BoringSSL refuses has its code in the log; what we refuse, our words. */
const explanations: Readonly<Record<string, RegExp>> = {
  expired: /CERT_HAS_EXPIRED/,
  "not yet valid": /CERT_NOT_YET_VALID/,
  "with two names": /2 URI names/,
  "without a name": /0 URI names/,
  "with a weak key": /1024 bits|KEY|PROTO/i,
  "that is a CA's": /CA's own|INVALID/i,
  "for signing code": /PURPOSE/,
  "for the other side only": /PURPOSE/,
  "self-signed": /SELF_SIGNED/,
};

function dial(
  port: number,
  identity: TlsIdentity | undefined,
  alpn: string,
): Promise<Connection | ConnectFailure> {
  const { trustRootsPem } = authority;
  const tls = {
    identity,
    trustRootsPem,
    serverName: meshServerName,
    alpn: [alpn],
    verifyPeer: () => undefined,
  };
  return new Promise((resolve) => {
    connect({ address: "127.0.0.1", port, timeoutMs: 5_000, tls }, resolve);
  });
}

/** A client learns of its refusal when the server closes. */
async function isRefused(result: Connection | ConnectFailure): Promise<boolean> {
  if (!(result instanceof Connection)) return true;
  return new Promise((resolve) => {
    let got = 0;
    result.sink = {
      onData: (chunk) => void (got += chunk.length),
      onDrain() {},
      onEnd: () => result.close(),
      onClose: () => resolve(got === 0),
    };
  });
}

function explained(kind: string, door: string): string {
  const found = lines.find((line) => line.includes(door) && (explanations[kind]?.test(line) ?? true));
  return found ?? `no line about ${kind} in ${lines.join("")}`;
}

describe("a sidecar's door", () => {
  let mesh: TestMesh;
  let server: TestServer;
  const app = cannedServer(hello);
  beforeAll(async () => {
    mesh = new TestMesh(authority);
    mesh.log = log();
    server = await mesh.server("echo-1", app.port);
  });
  afterAll(async () => {
    await mesh[Symbol.asyncDispose]();
    app.stop();
  });

  test("takes the certificate that is right", async () => {
    const result = await dial(server.endpoint.tunnelPort, authority.issue("web"), "weft/1");
    expect(result).toBeInstanceOf(Connection);
    if (result instanceof Connection) result.terminate();
  });

  test.each(kinds)("refuses one %s", async (kind) => {
    lines.length = 0;
    const before = refusedBy(await scrape(server.proxy), "inbound");
    expect(
      await isRefused(await dial(server.endpoint.tunnelPort, attack(kind, "web", "client"), "weft/1")),
    ).toBe(true);
    await eventually(
      async () => refusedBy(await scrape(server.proxy), "inbound") === before + 1,
      "it is counted",
    );
    expect(explained(kind, '"listener":"inbound"')).toContain('"reason"');
    expect(app.connections.length).toBe(0);
  });

  test("refuses one that is revoked, and ends the connections that it had", async () => {
    const revoked = authority.issue("web");
    const open = await dial(server.endpoint.tunnelPort, revoked, "weft/1");
    if (!(open instanceof Connection)) throw new Error(open.detail);
    const closed = isRefused(open);
    const spared = await dial(server.endpoint.tunnelPort, authority.issue("web"), "weft/1");
    const [der = new Uint8Array()] = pemToDer(revoked.certChainPem);
    const number = certificateNumber(der);
    const inbound = server.agent.snapshot.inbound;
    server.agent.configure({
      mesh: {
        ...mesh.mesh,
        revoked: number === undefined ? [] : [{ $typeName: "weft.model.v1.RevokedCertificate", ...number }],
      },
      ...(inbound === undefined ? {} : { inbound }),
      addresses: ["127.0.0.1"],
    });
    const startMs = performance.now();
    expect(await closed).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    lines.length = 0;
    expect(await isRefused(await dial(server.endpoint.tunnelPort, revoked, "weft/1"))).toBe(true);
    await eventually(
      async () => (await scrape(server.proxy)).includes('listener="inbound",reason="peer_revoked"} 1'),
      "counted",
    );
    expect(lines.join("")).toContain("the certificate is revoked");
    expect(spared).toBeInstanceOf(Connection);
    if (spared instanceof Connection) {
      expect(spared.peer).toBeDefined();
      spared.terminate();
    }
  });

  test("speaks nothing but TLS 1.3, and resumes no session", async () => {
    const scanned = { port: server.endpoint.tunnelPort, serverName: meshServerName };
    await expectOnlyTls13(scanned);
    const { cert, key, ca } = filesOf(authority.issue("web"));
    const session = join(directory, "session.pem");
    const base = ["-CAfile", ca, "-cert", cert, "-key", key, "-alpn", "weft/1"];
    const first = await sClient(scanned, [...base, "-sess_out", session]);
    expect(first).toMatch(/New, TLSv1\.3, Cipher is TLS_(AES|CHACHA)/);
    // Without a ticket there may be no file at all; the reconnection is the same then.
    const again = (await Bun.file(session).exists()) ? [...base, "-sess_in", session] : base;
    expect(await sClient(scanned, again)).not.toContain("Reused, TLS");
  });
});

describe("a sidecar that dials", () => {
  test.each([...kinds, "of somebody else"])("does not speak to a server with one %s", async (kind) => {
    lines.length = 0;
    await using mesh = new TestMesh(authority);
    mesh.log = log();
    const identity = attack(kind, kind === "of somebody else" ? "other" : "echo", "server");
    let bytes = 0;
    const listener = listen({
      tls: { identity, alpn: ["weft/1"], clientCertificate: "none" },
      onConnection: (connection) => {
        connection.sink = {
          onData: (chunk) => void (bytes += chunk.length),
          onDrain() {},
          onEnd: () => connection.close(),
          onClose() {},
        };
      },
    });
    const honest = await mesh.server("echo-1", 1);
    const client = await mesh.client([{ ...honest.endpoint, tunnelPort: listener.port }]);
    const peer = await RawClient.connect(client.port);
    peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
    expect((await peer.response()).status).toBe(503);
    expect(await scrape(client.proxy)).toMatch(
      /weft_upstream_connect_failures_total\{reason="(upstream_tls_failed|upstream_identity_mismatch)"\} [1-9]/,
    );
    expect(explained(kind, '"listener":"upstream"')).toContain('"reason"');
    expect(bytes).toBe(0);
    listener.closeAll();
  });

  test("ends connections to a server that is revoked, and opens no more", async () => {
    await using mesh = new TestMesh(authority);
    mesh.log = log();
    const app = cannedServer(hello);
    const server = await mesh.server("echo-1", app.port);
    const client = await mesh.client([server.endpoint]);
    const get = async (): Promise<number> => {
      const peer = await RawClient.connect(client.port);
      peer.write("GET / HTTP/1.1\r\nhost: echo\r\n\r\n");
      return (await peer.response()).status;
    };
    expect(await get()).toBe(200);
    const [der = new Uint8Array()] = pemToDer(server.agent.identity().certChainPem);
    const number = certificateNumber(der);
    const revoked =
      number === undefined ? [] : [{ $typeName: "weft.model.v1.RevokedCertificate" as const, ...number }];
    lines.length = 0;
    client.agent.configure({
      ...mesh.clientConfiguration([server.endpoint]),
      mesh: { ...mesh.mesh, revoked },
    });
    expect(lines.join("")).toContain('"outbound":1');
    expect(await get()).not.toBe(200);
    expect(await scrape(client.proxy)).toContain(
      'weft_upstream_connect_failures_total{reason="peer_revoked"}',
    );
    app.stop();
  });
});

describe("the control plane's port", () => {
  let control: RunningControl;
  beforeAll(async () => {
    const at = { address: "127.0.0.1", port: 0 };
    const dataDir = join(directory, "control");
    control = await startControl({ dataDir, api: at, ads: at, log: log(), trustDomain: "test.weft" });
  }, timeoutMs);
  afterAll(() => control.drain());

  test.each(kinds)("refuses one %s", async (kind) => {
    lines.length = 0;
    const identity = identityOf("web");
    const ca = kind === "of another CA" ? join(directory, "ca") : join(directory, "control", "ca");
    const forged = forge(
      stolenAuthority(ca),
      control.trustRootsPem,
      identity,
      forgeries(identity, "client")[kind] ?? {},
    );
    const { trustRootsPem } = control;
    const tls = {
      identity: forged,
      trustRootsPem,
      serverName: meshServerName,
      alpn: ["h2"],
      verifyPeer: () => undefined,
    };
    const result = await new Promise<Connection | ConnectFailure>((resolve) => {
      connect({ address: "127.0.0.1", port: control.ads.port, timeoutMs: 5_000, tls }, resolve);
    });
    expect(await isRefused(result)).toBe(true);
    await eventually(async () => lines.length > 0, "it is logged");
    expect(explained(kind, "gRPC client refused")).toContain('"reason"');
  });

  test("counts what it refused", async () => {
    const token = (await Bun.file(control.tokenFile).text()).trim();
    const text = await (
      await fetch(`${control.apiUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    ).text();
    expect(text).toMatch(/weft_control_refused_total\{reason="peer_untrusted"\} \d/);
    expect(text).toMatch(/weft_control_refused_total\{reason="peer_identity_invalid"\} \d/);
  });

  test("speaks nothing but TLS 1.3", async () => {
    await expectOnlyTls13({ port: control.ads.port, serverName: meshServerName });
  });
});

function filesOf(identity: TlsIdentity): {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
} {
  const files = {
    cert: join(directory, "cert.pem"),
    key: join(directory, "key.pem"),
    ca: join(directory, "roots.pem"),
  };
  writeFileSync(files.cert, identity.certChainPem);
  writeFileSync(files.key, identity.privateKeyPem, { mode: 0o600 });
  writeFileSync(files.ca, identity.trustRootsPem);
  return files;
}

/** Of all reasons. */
function refusedBy(metrics: string, listener: string): number {
  const lines_ = metrics
    .split("\n")
    .filter((line) => line.startsWith(`weft_connections_refused_total{listener="${listener}"`));
  return lines_.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
