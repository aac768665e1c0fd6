/** Proxies that have no token: the control plane of their machine knows them by user and executable. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { describeCertificate, pemToDer } from "../../src/identity/x509/index.ts";
import { unusedPort } from "./harness/bare-mesh.ts";
import { type Running, spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { weftProgram } from "./harness/mesh.ts";
import { unprivilegedUser } from "./harness/unprivileged-user.ts";

const readyMs = 60_000;
const isRoot = process.getuid?.() === 0;
const stranger = unprivilegedUser();
/** What bin/weft builds, and runs a proxy from. */
const proxyExecutable = join(
  realpathSync(join(import.meta.dir, "../..")),
  "node_modules/.cache/weft/proxy-program/proxy-program",
);
let directory = "";
let running: Running[] = [];
let apiPort = 0;
let adsPort = 0;
const at = (...names: string[]): string => join(directory, ...names);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-attest-"));
  chmodSync(directory, 0o755);
  running = [];
  [apiPort, adsPort] = [unusedPort(), unusedPort()];
});
afterEach(async () => {
  for (const process_ of running.toReversed()) {
    process_.kill("SIGTERM");
    await process_.within(30_000);
  }
  rmSync(directory, { recursive: true, force: true });
});

function start(argv: readonly string[]): Running {
  const process_ = spawnProcess(argv, { cwd: directory, env: { ...process.env } });
  running.push(process_);
  return process_;
}
const ready = (process_: Running): Promise<boolean> =>
  process_.untilLine("stderr", readyMs, (line) => line.includes('"event":"ready"') || undefined);

function writeRules(...rules: readonly object[]): void {
  // JSON is YAML.
  writeFileSync(at("rules.yaml"), JSON.stringify(rules), { mode: 0o600 });
}

async function startControl(): Promise<Running> {
  const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
  const attestation = ["--attestation-socket", at("socket"), "--attestation-rules", at("rules.yaml")];
  const options = ["--data-dir", at("control"), "--log-format", "json"];
  const control = start([weftProgram, "control", ...options, ...doors, ...attestation]);
  await ready(control);
  return control;
}

function startProxy(name: string, as: readonly string[] = [], owner?: number): Running {
  const address = `127.${64 + (process.pid % 60)}.7.${running.length}`;
  const listening = { address, port: 0 };
  mkdirSync(at(name), { mode: 0o700 });
  const bootstrap = {
    role: "sidecar",
    workload: {
      ...{ namespace: "default", name, serviceAccount: "default", labels: {} },
      ...{ addresses: [address], ports: [], region: "", zone: "" },
    },
    controlPlane: {
      address: "127.0.0.1",
      port: adsPort,
      trustRootsPem: readFileSync(at("control", "root.pem"), "utf8"),
    },
    attestationSocket: at("socket"),
    dataDir: at(name),
    capture: { kind: "none" },
    ...{ tunnel: listening, admin: listening, health: listening },
    application: { address: "127.0.0.1" },
    dnsUpstreams: [],
    logFormat: "json",
    logLevel: "info",
  };
  const file = at(`${name}.json`);
  writeFileSync(file, JSON.stringify(bootstrap), { mode: 0o644 });
  if (owner !== undefined) Bun.spawnSync(["chown", String(owner), at(name)]);
  return start([...as, weftProgram, "proxy", "--bootstrap", file]);
}

function identityOf(name: string): readonly string[] | undefined {
  const { certChainPem } = JSON.parse(readFileSync(at(name, "identity.json"), "utf8"));
  return describeCertificate(pemToDer(certChainPem)[0] ?? new Uint8Array())?.uriSans;
}

async function metrics(): Promise<string> {
  const token = readFileSync(at("control", "token"), "utf8").trim();
  const response = await fetch(`http://127.0.0.1:${apiPort}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return response.text();
}

const subject = { namespace: "default", serviceAccount: "default" };

test("a proxy gets its certificate for what the kernel says of it, and another one none until a rule is for it", async () => {
  const uid = process.getuid?.() ?? 0;
  writeRules({ match: { uid, executable: proxyExecutable, cgroup: "/nowhere" }, ...subject });
  const control = await startControl();
  const proxy = startProxy("web");
  await proxy.untilLine(
    "stderr",
    readyMs,
    (line) => line.includes("no rule is for this process") || undefined,
  );
  await eventually(async () => {
    expect(await metrics()).toMatch(
      /weft_control_attestations_refused_total\{attestor="process",reason="no_rule"\} [1-9]/,
    );
  });
  expect(control.stderr).toContain("what did not fit: [0] cgroup");
  writeRules({ match: { uid, executable: proxyExecutable }, ...subject });
  await ready(proxy);
  // It is written beside what it is used for, and neither waits for the other.
  await eventually(() => {
    expect(identityOf("web")).toEqual([
      expect.stringMatching(/^spiffe:\/\/[^/]+\/ns\/default\/sa\/default$/),
    ]);
  });
  expect(control.stderr).toContain('"message":"a process is known"');
  expect(control.stderr + proxy.stderr).not.toContain("weft-process-");
}, 120_000);

test.skipIf(!isRoot || stranger.argv.length === 0)(
  "the user decides: root's proxy is not the stranger's [needs root]",
  async () => {
    writeRules({ match: { uid: stranger.uid }, ...subject });
    const control = await startControl();
    const roots = startProxy("roots");
    const strangers = startProxy("strangers", stranger.argv, stranger.uid);
    await ready(strangers);
    expect(identityOf("strangers")).toHaveLength(1);
    await roots.untilLine(
      "stderr",
      readyMs,
      (line) => line.includes("no rule is for this process") || undefined,
    );
    expect(control.stderr).toContain('"uid":0');
  },
  120_000,
);
