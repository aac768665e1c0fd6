/** What an earlier build left on disk: today's control plane goes on from it, and today's proxy starts from it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import { CertificateAuthority, CertificateLedger, JoinTokens } from "../../src/identity/index.ts";
import { silentLog, VirtualClock } from "../../src/kernel/index.ts";
import { Aggregator, SlotFile } from "../../src/observe/index.ts";
import { LastGoodFile } from "../../src/proxy/agent/last-good.ts";
import { loadIdentity } from "../../src/proxy/agent/stored-identity.ts";
import { ProtocolMemory } from "../../src/proxy/serve/protocol-memory.ts";
import { unusedPort } from "../e2e/harness/bare-mesh.ts";
import { spawnProcess } from "../e2e/harness/child-process.ts";
import { weftProgram } from "../e2e/harness/mesh.ts";

const sample = join(import.meta.dir, "data/292a9ee");
/** When the sample was made, a minute before its mesh ended. */
const madeMs = Date.parse("2026-11-27T07:57:00Z");
const timeoutMs = 60_000;
const rotatedRoots = [
  "cbf7f3610d2447afc7becd29d0576d1d4bcc5d9362e516b12236e0c458475bc5",
  "c9cd90ed864045269c3a3b30cdfd0a2840d56c97005ee7b93fd568393e341882",
];
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-older-state-"));
  cpSync(sample, folder, { recursive: true });
  // A checkout does not keep who may read.
  makePrivate(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makePrivate(path: string): void {
  const isDirectory = statSync(path).isDirectory();
  chmodSync(path, isDirectory ? 0o700 : 0o600);
  if (isDirectory) for (const name of readdirSync(path)) makePrivate(join(path, name));
}

describe("a proxy's folder", () => {
  test("its last good configuration is whole", () => {
    const file = new LastGoodFile({
      path: join(folder, "caller/last-good.bin"),
      clock: new VirtualClock(madeMs),
      log: silentLog,
      current: () => ({ revision: 0, resources: [] }),
    });
    const loaded = file.load();
    expect(loaded?.revision).toBe(2);
    expect(loaded?.resources.map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual([
      "Cluster default/web:9080",
      "Endpoint default/web:9080/default/web",
      "Mesh mesh",
      "Outbound default/web:9080@default",
    ]);
  });

  test("its certificate is used for as long as it is valid", () => {
    const load = (nowMs: number): ReturnType<typeof loadIdentity> =>
      loadIdentity(join(folder, "caller/identity.json"), {
        ...{ namespace: "default", serviceAccount: "default", nowMs },
        trustRootsPem: readFileSync(join(folder, "control/root.pem"), "utf8"),
      });
    expect(load(madeMs)).toMatchObject({ id: { namespace: "default", serviceAccount: "default" } });
    expect(load(madeMs + 366 * 86_400_000)).toBeString();
  });

  test("what was spoken where is remembered", () => {
    const memory = new ProtocolMemory({
      path: join(folder, "caller/protocols.json"),
      clock: new VirtualClock(madeMs),
      log: silentLog,
    });
    expect(memory.size).toBe(1);
    memory.close();
  });
});

describe("a control plane's folder", () => {
  test("its CA signs beneath the root that it had, in the middle of a change of roots", () => {
    const clock = new VirtualClock(madeMs);
    const authority = CertificateAuthority.open(join(folder, "control/ca"), { clock });
    expect(authority.trustDomain).toBe("a6d1c9d9.weft");
    expect(authority.trustRoots()).toHaveLength(2);
    expect(authority.rotation.current).toMatchObject({ phase: "trust", isPaused: true });
    authority.close();
  });

  test("its ledger knows who has which certificate, and which were revoked", () => {
    const ledger = CertificateLedger.open(
      join(folder, "control/certificates.sqlite"),
      new VirtualClock(madeMs),
    );
    expect(new Set(ledger.all().map(({ workload }) => workload))).toEqual(
      new Set(["default/caller", "default/web"]),
    );
    expect(ledger.revoked.map(({ reason }) => reason)).toEqual(["kept"]);
    ledger.close();
    JoinTokens.open(join(folder, "control/join-tokens"), new VirtualClock(madeMs)).close();
  });

  test("its golden signals are told on", () => {
    const file = SlotFile.open({ path: join(folder, "control/signals.sqlite"), log: silentLog });
    const { services } = new Aggregator({ clock: new VirtualClock(madeMs + 60_000), file });
    let count = 0;
    services.read(services.span(services.longestMs), (_, cell) => (count += cell.count));
    expect(count).toBeGreaterThanOrEqual(200);
    file?.close();
  });

  test(
    "today's control plane starts from all of it",
    async () => {
      const apiPort = unusedPort();
      const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", "127.0.0.1:0"];
      const dataDir = join(folder, "control");
      const control = spawnProcess(
        [weftProgram, "control", "--data-dir", dataDir, ...doors, "--log-format", "json"],
        { cwd: folder, env: process.env },
      );
      try {
        await control.untilLine("stderr", timeoutMs, (line) => line.includes('"event":"ready"') || undefined);
        const token = readFileSync(join(dataDir, "token"), "utf8").trim();
        const client = new ApiClient({ server: `http://127.0.0.1:${apiPort}`, token });
        const { authorities } = await client.certificates();
        const roots = authorities.filter(({ kind }) => kind === "root");
        expect(roots).toHaveLength(2);
        for (const { fingerprint, trusted } of roots)
          expect([rotatedRoots.includes(fingerprint), trusted]).toEqual([true, true]);
        expect(await client.rootRotation()).toMatchObject({ phase: "trust", paused: true });
        const { items } = await client.list("AuthorizationPolicy", { namespace: "default" });
        expect(items.map(({ metadata }) => metadata.name)).toEqual(["no-secrets"]);
      } finally {
        control.kill("SIGTERM");
        await control.within(timeoutMs);
      }
    },
    timeoutMs,
  );
});
