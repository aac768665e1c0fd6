/** What the proxies themselves refuse: HTTP that is none, plaintext, strangers and impostors; each one counted with its reason. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateAuthority } from "../../src/identity/index.ts";
import { derToPem, generateKeyAndCsr } from "../../src/identity/x509/index.ts";
import { spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import {
  curlInside,
  insideFabric,
  readMetric,
  type WorkloadPlace,
  workloadPlace,
} from "./harness/inside-fabric.ts";
import { root, startMesh, type TestMesh } from "./harness/mesh.ts";
import { testWithCapture } from "./harness/requirements.ts";
import { gatewayTo, httpPort, testProgram, webProgram, yaml } from "./harness/resources.ts";
import { TemporaryFolder } from "./harness/weft.ts";

const hookTimeoutMs = 60_000;
const refusedTotal = "weft_connections_refused_total";
let mesh: TestMesh;
let web: WorkloadPlace;

beforeAll(async () => {
  mesh = await startMesh({ files: { "mesh.yaml": yaml(webProgram("v1"), gatewayTo({ web: 1 })) } });
  web = await workloadPlace(mesh, "web-v1");
}, hookTimeoutMs);

afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

const malformed: Readonly<Record<string, string>> = {
  "no request line": "hello\r\n\r\n",
  "no Host": "GET / HTTP/1.1\r\n\r\n",
  "two Hosts": "GET / HTTP/1.1\r\nHost: web\r\nHost: web\r\n\r\n",
  "a space before the colon": "GET / HTTP/1.1\r\nHost : web\r\n\r\n",
  "a folded line": "GET / HTTP/1.1\r\nHost: web\r\nA: b\r\n c\r\n\r\n",
  "a bare line feed": "GET / HTTP/1.1\r\nHost: web\nA: b\r\n\r\n",
  "two lengths": "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
  "length and chunks":
    "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a coding after chunked":
    "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
  "a control byte": "GET / HTTP/1.1\r\nHost: web\r\nA: b\x00c\r\n\r\n",
};
/** What would be taken for a second request where the first one were let through. */
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n";

interface Exchange {
  readonly answer: string;
  readonly closed: boolean;
}

describe("malformed requests", () => {
  function expectRefused(exchanges: readonly Exchange[]): void {
    const seen = Object.keys(malformed).map((name, i) => {
      const { answer = "", closed = false } = exchanges[i] ?? {};
      return { name, status: answer.split("\r\n")[0], answers: answer.split("HTTP/1.1 ").length - 1, closed };
    });
    expect(seen).toEqual(
      Object.keys(malformed).map((name) => ({
        ...{ name, status: "HTTP/1.1 400 Bad Request", answers: 1, closed: true },
      })),
    );
  }

  const requests = JSON.stringify(Object.values(malformed).map((text) => text + smuggled));

  test("that are TLS where HTTP is expected get no answer, which their client could not read", async () => {
    const command = [...testProgram("raw-http"), mesh.ready.gateway ?? ""];
    const stdin = JSON.stringify([`\x16\x03\x01 hello\r\n\r\n${smuggled}`]);
    const { stdout } = await spawnProcess(command, { env: process.env, cwd: root, stdin }).within(20_000);
    expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ answer: "", closed: true })]);
  });

  test("are answered by the gateway with 400 and a closed connection", async () => {
    const command = [...testProgram("raw-http"), mesh.ready.gateway ?? ""];
    const child = spawnProcess(command, { env: process.env, cwd: root, stdin: requests });
    const { stdout } = await child.within(20_000);
    expectRefused(JSON.parse(stdout));
    expect((await mesh.get("/")).status).toBe(200);
  });

  test("are answered by a program's own sidecar with 400 and a closed connection", async () => {
    const run = mesh.run({
      service: "prober",
      upstreams: [`web:${httpPort}`],
      command: testProgram("raw-http"),
      stdin: requests,
    });
    const { stdout, code, stderr } = await run.within(30_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr });
    expectRefused(JSON.parse(stdout));
  });
});

describe("a workload that requires mutual TLS", () => {
  function refused(listener: string, reason: string): Promise<number> {
    return readMetric(mesh, web.sidecar, refusedTotal, { listener, reason });
  }

  testWithCapture("resets a plaintext connection and counts it", async () => {
    const before = await refused("plaintext", "mtls_required");
    const { code, stdout } = await curlInside(mesh, `http://${web.address}:${httpPort}/`);
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    expect(await refused("plaintext", "mtls_required")).toBe(before + 1);
  });

  test("refuses a plaintext connection to the port of its peers, and counts it", async () => {
    const before = await refused("inbound", "mtls_required");
    const { code, stdout } = await curlInside(mesh, `http://${web.sidecar}:15008/`);
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    await eventually(async () => expect(await refused("inbound", "mtls_required")).toBe(before + 1));
  });

  test("refuses a peer without a certificate, and counts it", () => expectStranger({}, "mtls_required"));

  test("refuses the certificate of another mesh, and counts it", async () => {
    using folder = new TemporaryFolder();
    await expectStranger(foreignCertificate(folder.path, "0badcafe.weft"), "peer_untrusted");
  });

  test("refuses a certificate that another CA made out in this mesh's name, and counts it", async () => {
    using folder = new TemporaryFolder();
    const { proxies } = await mesh.weftJson<Status>("status");
    const trustDomain = /^spiffe:\/\/([^/]+)\//.exec(proxies[0]?.identity ?? "")?.[1] ?? "";
    expect(trustDomain).toMatch(/\.weft$/);
    await expectStranger(foreignCertificate(folder.path, trustDomain), "peer_untrusted");
  });

  async function expectStranger(env: Readonly<Record<string, string>>, reason: string): Promise<void> {
    const before = await refused("inbound", reason);
    const child = spawnProcess([...insideFabric(mesh), ...testProgram("tls-probe"), web.sidecar, "15008"], {
      env: { ...process.env, ...env },
      cwd: root,
    });
    const { stdout } = await child.within(20_000);
    const probe: { readonly answer: string; readonly closed: boolean } = JSON.parse(stdout);
    expect(probe).toMatchObject({ answer: "", closed: true });
    await eventually(async () => expect(await refused("inbound", reason)).toBe(before + 1));
    expect((await mesh.get("/")).status).toBe(200);
  }
});

interface Status {
  readonly proxies: readonly { readonly identity: string }[];
}

/** A proper certificate of a proper CA, only of no mesh that anybody here belongs to. */
function foreignCertificate(folder: string, trustDomain: string): Record<string, string> {
  const authority = CertificateAuthority.open(join(folder, "ca"), { trustDomain });
  const { privateKeyPem, csrDer } = generateKeyAndCsr();
  const { chain } = authority.issue(csrDer, { trustDomain, namespace: "default", serviceAccount: "web" });
  const files = { CERT: join(folder, "cert.pem"), KEY: join(folder, "key.pem") };
  writeFileSync(files.CERT, chain.map((der) => derToPem(der)).join(""));
  writeFileSync(files.KEY, privateKeyPem);
  return files;
}
