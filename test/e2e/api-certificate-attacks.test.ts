/**
 * Client certificates that are wrong in one way each, shown to the control plane's API over TLS where the mesh's own root is the
 * clients' authority (`--client-ca-file`): refused in the handshake, or taken for nobody's; counted, and explained in the log or the
 * audit log. Then the port, and a gateway's, as openssl sees them.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { TestAuthority } from "../../src/apiserver/testing-certificates.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { CertificateAuthority, CertificateLedger } from "../../src/identity/index.ts";
import {
  certificateNumber,
  derToPem,
  generateKeyAndCsr,
  pemToDer,
  serialText,
} from "../../src/identity/x509/index.ts";
import { createLog, formatSpiffeId } from "../../src/kernel/index.ts";
import { CertificateSchema, GatewaySchema, Protocol, TlsMode, TlsVersion } from "../../src/model/index.ts";
import { type ConnectFailure, Connection, connect, type TlsIdentity } from "../../src/net/index.ts";
import { publicCertificate } from "../../src/proxy/agent/test/public-certificate.ts";
import { eventually, freePort } from "../../src/proxy/testing/eventually.ts";
import { TestMesh } from "../../src/proxy/testing/test-mesh.ts";
import { forge, forgeries, stolenAuthority } from "./harness/forged-certificate.ts";
import { expectOnlyTls13, expectTls12OrNewer } from "./harness/tls-scan.ts";

const timeoutMs = 30_000;
const trustDomain = "test.weft";
const id = { trustDomain, namespace: "default", serviceAccount: "web" };
const identity = formatSpiffeId(id);
const whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

let directory: string;
let control: RunningControl;
let authority: CertificateAuthority;
let serverCaPem: string;
let token: string;
const lines: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-api-attacks-"));
  const dataDir = join(directory, "control");
  authority = CertificateAuthority.open(join(dataDir, "ca"), { trustDomain });
  CertificateAuthority.open(join(directory, "other"), { trustDomain });
  const servers = new TestAuthority(directory);
  serverCaPem = servers.pem;
  const { cert: certChainPem, key: privateKeyPem } = servers.server();
  const at = { address: "127.0.0.1", port: 0 };
  control = await startControl({
    dataDir,
    api: at,
    ads: at,
    apiTls: { certChainPem, privateKeyPem, clientCaPem: rootsPem() },
    log: createLog({ format: "json", level: "warn", write: (line) => void lines.push(line) }),
    trustDomain,
  });
  token = readFileSync(control.tokenFile, "utf8").trim();
}, timeoutMs);
afterAll(async () => {
  await control.drain();
  rmSync(directory, { recursive: true, force: true });
});

function rootsPem(): string {
  return authority
    .trustRoots()
    .map((der) => derToPem(der))
    .join("");
}

/** A workload's own certificate, as the mesh gives it out. */
function honest(): TlsIdentity {
  const { privateKeyPem, csrDer } = generateKeyAndCsr();
  const { chain } = authority.issue(csrDer, id);
  const certChainPem = chain.map((der) => derToPem(der)).join("");
  return { privateKeyPem, certChainPem, trustRootsPem: rootsPem() };
}

function attack(kind: string): TlsIdentity {
  const ca = kind === "of another CA" ? join(directory, "other") : join(directory, "control", "ca");
  return forge(stolenAuthority(ca), rootsPem(), identity, forgeries(identity, "client")[kind] ?? {});
}

/** The status of an answer; undefined: not a byte came back. */
async function ask(client: TlsIdentity | undefined): Promise<number | undefined> {
  const opened = await open(client);
  if (!(opened instanceof Connection)) return undefined;
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  opened.sink = {
    onData: (chunk) => void (text += Buffer.from(chunk).toString("latin1")),
    onDrain() {},
    onEnd: () => opened.close(),
    onClose: () => resolve(text),
  };
  const body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
  opened.write(Buffer.from(`POST ${whoami} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${body}`));
  const status = /^HTTP\/1\.1 (\d{3})/.exec(await promise)?.[1];
  return status === undefined ? undefined : Number(status);
}

function open(client: TlsIdentity | undefined): Promise<Connection | ConnectFailure> {
  return new Promise((resolve) => {
    connect(
      {
        address: "127.0.0.1",
        port: control.apiPort ?? 0,
        timeoutMs: 5_000,
        tls: {
          identity: client && { ...client, trustRootsPem: serverCaPem },
          trustRootsPem: serverCaPem,
          serverName: "localhost",
          alpn: [],
          verifyPeer: () => undefined,
        },
      },
      resolve,
    );
  });
}

function asOperator(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`https://localhost:${control.apiPort}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    keepalive: false,
    tls: { ca: serverCaPem },
  });
}

/** As `weft cert revoke` does, of a certificate that the control plane knows. */
async function revoke({ certChainPem }: TlsIdentity): Promise<void> {
  const [leaf = new Uint8Array()] = pemToDer(certChainPem);
  const number = certificateNumber(leaf);
  if (number === undefined) throw new Error("no certificate");
  const serial = serialText(number.serial);
  const ledger = CertificateLedger.open(join(directory, "control", "certificates.sqlite"));
  ledger.note({
    issuer: Buffer.from(number.issuer).toString("hex"),
    serial,
    workload: "default/web",
    identity,
    root: "",
    notBeforeMs: Date.now() - 1_000,
    notAfterMs: Date.now() + 3_600_000,
  });
  ledger.close();
  const body = JSON.stringify({ action: "revoke", name: serial, reason: "a test" });
  const answer = await asOperator("/apis/weft.dev/v1alpha1/revocations", { method: "POST", body });
  expect(answer.status).toBeLessThan(300);
}

async function refused(reason: string): Promise<number> {
  const response = await asOperator("/metrics");
  const text = await response.text();
  const found = new RegExp(`^weft_control_api_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(text);
  return Number(found?.[1] ?? 0);
}

function audited(): string {
  const folder = join(directory, "control", "audit");
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
}

/** The reason that counts it, and what the log says. */
const ended: Readonly<Record<string, readonly [reason: string, says: RegExp]>> = {
  expired: ["peer_untrusted", /CERT_HAS_EXPIRED/],
  "not yet valid": ["peer_untrusted", /CERT_NOT_YET_VALID/],
  "for signing code": ["peer_untrusted", /PURPOSE/],
  "for the other side only": ["peer_untrusted", /PURPOSE/],
  "self-signed": ["peer_untrusted", /SELF_SIGNED|VERIFY_LEAF/],
  // The CA may sign for its own trust domain alone.
  "of another trust domain": ["peer_untrusted", /peer is spiffe:\/\/other\.weft/],
  "below a CA that may have none below it": ["peer_untrusted", /PATH_LENGTH|INVALID_CA/],
  "with a weak key": ["peer_identity_invalid", /1024 bits/],
  "that is a CA's": ["peer_identity_invalid", /CA's own/],
  "of another CA": ["peer_untrusted", /VERIFY|ISSUER|UNTRUSTED|SIGNATURE/],
};
const nobodys = ["with a name that is no identity", "with two names", "without a name"];

describe("the API's port", () => {
  test("takes the certificate that is right", async () => {
    expect(await ask(honest())).toBe(201);
  });

  test("is tried with every kind of forgery", () => {
    const kinds = [...Object.keys(forgeries(identity, "client")), "of another CA"];
    expect(kinds.toSorted()).toEqual([...Object.keys(ended), ...nobodys].toSorted());
  });

  test.each(Object.entries(ended))("ends the handshake of one %s", async (kind, [reason, says]) => {
    lines.length = 0;
    const before = await refused(reason);
    expect(await ask(attack(kind))).toBeUndefined();
    expect(await refused(reason)).toBe(before + 1);
    const line = lines.find((each) => each.includes("an API client was refused"));
    expect(line).toContain(`"reason":"${reason}"`);
    expect(line).toMatch(says);
  });

  test.each(nobodys)("takes one %s for nobody's", async (kind) => {
    const before = await refused("unauthenticated");
    const entries = audited().split("\n").length;
    expect(await ask(attack(kind))).toBe(401);
    expect(await refused("unauthenticated")).toBe(before + 1);
    await eventually(() => audited().split("\n").length > entries, "the audit log has it");
    expect(audited().trim().split("\n").at(-1)).toContain("client certificate proves nobody");
  });

  test("cuts off a client whose certificate is revoked, and lets it in no more", async () => {
    lines.length = 0;
    const client = honest();
    const opened = await open(client);
    if (!(opened instanceof Connection)) throw new Error(opened.detail);
    const { promise, resolve } = Promise.withResolvers<void>();
    opened.sink = { onData() {}, onDrain() {}, onEnd() {}, onClose: () => resolve() };
    // The handshake of 1.3 ends for the client before the server has looked at its certificate.
    expect(await ask(client)).toBe(201);
    await revoke(client);
    await promise;
    expect(lines.join("")).toContain("were cut off");
    const before = await refused("peer_revoked");
    expect(await ask(client)).toBeUndefined();
    expect(await refused("peer_revoked")).toBe(before + 1);
    expect(await ask(honest())).toBe(201);
  });

  test("speaks TLS 1.3, or 1.2 with good suites, and nothing else", async () => {
    await expectTls12OrNewer({ port: control.apiPort ?? 0, serverName: "localhost" });
  });
});

describe("a gateway's port", () => {
  test.each([
    ["1.2 and newer", TlsVersion.TLS_VERSION_1_2, expectTls12OrNewer],
    ["1.3 alone", TlsVersion.TLS_VERSION_1_3, expectOnlyTls13],
  ] as const)("speaks %s where that is said, with good suites", async (_name, minVersion, expectGood) => {
    await using mesh = new TestMesh();
    const { certChainPem, privateKeyPem } = publicCertificate("shop.example");
    const port = freePort();
    const agent = mesh.agent("edge", {
      ...mesh.clientConfiguration([]),
      gateways: [
        create(GatewaySchema, {
          source: { kind: "Gateway", namespace: "default", name: "edge" },
          listeners: [
            {
              name: "https",
              port,
              hostname: "shop.example",
              protocol: Protocol.HTTP,
              tls: { mode: TlsMode.TERMINATE, certificates: ["default/shop"], minVersion },
              virtualHosts: [{ hostname: "shop.example" }],
            },
          ],
          certificates: ["default/shop"],
        }),
      ],
      certificates: [
        create(CertificateSchema, {
          source: { kind: "Secret", namespace: "default", name: "shop" },
          certificateChainPem: certChainPem,
          privateKeyPem,
        }),
      ],
    });
    const place = { kind: "tcp", address: "127.0.0.1" } as const;
    await mesh.run({ ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: place }, agent);
    await expectGood({ port, serverName: "shop.example" });
  });
});
