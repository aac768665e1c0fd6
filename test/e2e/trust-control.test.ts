/** A change of root and revocations as proxies see them: real certificates and streams, phases that wait for the slowest, a kill in between. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import type { RotationStatus } from "../../src/api/index.ts";
import { ApiClient } from "../../src/client/index.ts";
import type { GrpcClient } from "../../src/grpc/index.ts";
import { derToPem, generateKeyAndCsr, pemToDer, verifyChain } from "../../src/identity/x509/index.ts";
import { createLog, type Log } from "../../src/kernel/index.ts";
import { type Mesh, MeshSchema } from "../../src/model/index.ts";
import type { TlsIdentity } from "../../src/net/index.ts";
import { Certificates, Workloads } from "../../src/wire/index.ts";
import { type RunningControl, startControl } from "../../src/control/index.ts";
import { clientOf, join, TestProxy } from "../../src/control/test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
const waitMs = 20_000;

let dataDir: string;
let control: RunningControl;
let api: ApiClient;
let lines: string[];
const proxies: MovingProxy[] = [];

const log = (): Log => createLog({ format: "json", level: "info", write: (line) => void lines.push(line) });

beforeEach(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-trust-"));
  lines = [];
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: log() });
  api = clientAt(control.apiUrl);
});
afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close();
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

function clientAt(apiUrl: string): ApiClient {
  return new ApiClient({ server: apiUrl, token: readFileSync(joinPath(dataDir, "token"), "utf8").trim() });
}

/** A proxy that acknowledges, and renews when it is told to. */
class MovingProxy {
  readonly workload: string;
  identity: TlsIdentity;
  stream: TestProxy;
  #client: GrpcClient;

  private constructor(workload: string, identity: TlsIdentity) {
    this.workload = workload;
    this.identity = identity;
    this.#client = clientOf(control, identity);
    this.stream = new TestProxy(this.#client, workload);
    proxies.push(this);
  }

  static async join(name: string, trustRootsPem = control.trustRootsPem): Promise<MovingProxy> {
    const token = await api.createJoinToken({ namespace: "default", serviceAccount: "default" });
    const workload = `default/${name}`;
    const proxy = new MovingProxy(workload, await join({ ads: control.ads, trustRootsPem }, workload, token));
    await proxy.stream.until(() => proxy.stream.commits.length > 0);
    return proxy;
  }

  get mesh(): Mesh {
    return fromBinary(MeshSchema, this.stream.resources.get("Mesh mesh") ?? new Uint8Array());
  }

  get trustRootsPem(): string {
    return this.mesh.trustRoots.map((der) => derToPem(der)).join("");
  }

  async register(): Promise<void> {
    const [namespace = "", name = ""] = this.workload.split("/");
    await this.#client.unary(Workloads.method.register, {
      ...{ namespace, name, serviceAccount: "default", labels: {}, addresses: ["10.0.0.9"], ports: [] },
      ...{ tunnelAddress: "10.0.0.9", tunnelPort: 15_008, region: "", zone: "" },
    });
  }

  /** Over the connection that it has. */
  async renew(): Promise<void> {
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const issued = await this.#client.unary(Certificates.method.issue, {
      csr: csrDer,
      workload: this.workload,
    });
    this.identity = {
      certChainPem: issued.chain.map((der) => derToPem(der)).join(""),
      privateKeyPem,
      trustRootsPem: this.trustRootsPem,
    };
    this.reconnect();
  }

  reconnect(): void {
    const { trustRootsPem } = this;
    this.close();
    this.#client = clientOf({ ads: control.ads, trustRootsPem }, this.identity);
    this.stream = new TestProxy(this.#client, this.workload);
  }

  close(): void {
    this.stream.close();
    this.#client.close();
  }
}

async function until(isDone: (status: RotationStatus) => boolean): Promise<RotationStatus> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const status = await api.rootRotation();
    if (isDone(status)) return status;
    if (performance.now() > endMs) throw new Error(`it stays at ${JSON.stringify(status)}`);
    await Bun.sleep(20);
  }
}

const phase = (wanted: RotationStatus["phase"]) => (status: RotationStatus) => status.phase === wanted;
const publishedRoots = (): Uint8Array[] => pemToDer(readFileSync(joinPath(dataDir, "root.pem"), "utf8"));

describe("a change of the root", () => {
  test("waits in each phase for the slowest proxy and names it, and ends with the new root alone", async () => {
    const [first, second] = [await MovingProxy.join("a"), await MovingProxy.join("b")];
    const before = publishedRoots();
    second.stream.isHoldingAnswers = true;
    await api.rotateRoot({ action: "start" });
    const waiting = await until(({ done }) => done === 1);
    expect(waiting).toMatchObject({ phase: "trust", total: 2 });
    expect(waiting.behind).toEqual([
      { workload: "default/b", connected: true, why: "it has not acknowledged the roots" },
    ]);
    expect(first.mesh.trustRoots.length).toBe(2);
    second.stream.acknowledge();
    await until(phase("issue"));
    await second.stream.until(() => Buffer.from(second.mesh.issuingRoot).toString("hex") === waiting.to);

    await first.renew();
    const half = await until(({ done }) => done === 1);
    expect(half.behind).toEqual([
      { workload: "default/b", connected: true, why: "its certificate is of the other root" },
    ]);
    await second.renew();
    await until(phase("retire"));
    const end = await until(phase("none"));
    expect(end.last).toMatchObject({ outcome: "done", to: waiting.to });
    const after = publishedRoots();
    expect(after.length).toBe(1);
    expect(after).not.toEqual(before);
    for (const { identity } of [first, second]) {
      const chain = pemToDer(identity.certChainPem);
      expect(verifyChain({ chain, roots: after, nowMs: Date.now() })).toBeUndefined();
    }
    expect(lines.filter((line) => line.includes("phase over")).length).toBe(3);
  });

  test("lets proxies join by the root that they were told before, until it is retired", async () => {
    const told = control.trustRootsPem;
    const proxy = await MovingProxy.join("a");
    await api.rotateRoot({ action: "start", pauseAfter: "trust" });
    await until(({ paused }) => paused);
    await MovingProxy.join("b", told);
    await api.rotateRoot({ action: "continue", pauseAfter: "issue" });
    await until(phase("issue"));
    const late = await MovingProxy.join("c", told);
    expect(
      verifyChain({ chain: pemToDer(late.identity.certChainPem), roots: pemToDer(told), nowMs: Date.now() }),
    ).toBe("the chain does not end in a trusted root");
    for (const each of proxies) if (each !== late) await each.renew();
    await until(({ paused }) => paused);
    await api.rotateRoot({ action: "continue", pauseAfter: "retire" });
    await until(({ phase: now, paused }) => now === "retire" && paused);
    expect(await MovingProxy.join("d", told).catch((error: unknown) => String(error))).toContain("Error");
    // The control plane shows a certificate of the new root by now.
    proxy.reconnect();
    await proxy.stream.until(() => proxy.stream.commits.length > 0);
    expect(proxy.stream.closed).toBeUndefined();
    await MovingProxy.join("e");
  });

  test("does not retire the old root while a known proxy is away, unless it is told to", async () => {
    const away = await registered("away");
    await MovingProxy.join("a");
    away.close();
    await api.rotateRoot({ action: "start" });
    await until(({ behind }) =>
      behind.some(({ workload, connected }) => workload === "default/away" && !connected),
    );
    await api.rotateRoot({ action: "continue", forceAfterSeconds: 0 });
    await until(phase("issue"));
    await proxies.at(-1)?.renew();
    await until(phase("none"));
  });

  test("that nobody knows of is not aborted or continued", async () => {
    for (const action of ["abort", "continue"] as const)
      expect(await api.rotateRoot({ action }).catch((error: unknown) => String(error))).toContain(
        "not being changed",
      );
    await api.rotateRoot({ action: "start", pauseAfter: "trust" });
    expect(await api.rotateRoot({ action: "start" }).catch((error: unknown) => String(error))).toContain(
      "already",
    );
  });

  test.each(["trust", "issue", "retire"] as const)(
    "goes on after the control plane was killed in %s",
    async (killed) => {
      await control.drain();
      const script = joinPath(import.meta.dir, "programs", "child-control.ts");
      const child = Bun.spawn([process.execPath, script, dataDir], { stdout: "pipe", stderr: "inherit" });
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      const { apiUrl }: { readonly apiUrl: string } = JSON.parse(new TextDecoder().decode(value));
      api = clientAt(apiUrl);
      const started = await api.rotateRoot({ action: "start", pauseAfter: killed });
      const paused = await until((status) => status.paused);
      expect(paused.phase).toBe(killed);
      child.kill("SIGKILL");
      await child.exited;
      control = await startControl({ dataDir, api: loopback, ads: loopback, log: log() });
      api = clientAt(control.apiUrl);
      expect(await api.rootRotation()).toMatchObject({ phase: killed, paused: true, to: started.to });
      await api.rotateRoot({ action: "abort" });
      const end = await until(phase("none"));
      expect(end.last?.outcome).toBe("aborted");
      expect(publishedRoots().length).toBe(1);
    },
  );
});

/** A proxy that the registry knows, so that it is missed when it goes. */
async function registered(name: string): Promise<MovingProxy> {
  const proxy = await MovingProxy.join(name);
  await proxy.register();
  return proxy;
}

describe("a revocation", () => {
  test("ends the proxy's connections, keeps it from renewing, and reaches the others; they renew as ever", async () => {
    const [bad, good] = [await MovingProxy.join("bad"), await MovingProxy.join("good")];
    const startMs = performance.now();
    const status = await api.changeRevocation({ action: "revoke", name: "default/bad", reason: "stolen" });
    await bad.stream.until(() => bad.stream.closed !== undefined);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect(status.revoked).toMatchObject([{ workload: "default/bad", reason: "stolen" }]);
    await good.stream.until(() => good.mesh.revoked.length === 1);
    expect(await bad.renew().catch((error: unknown) => String(error))).toContain("Error");
    await good.renew();
    await good.stream.until(() => good.stream.commits.length > 0);
    expect(lines.join("")).toContain("peer_revoked");
  });

  test("is there after a restart, and ends when it is taken back", async () => {
    const bad = await MovingProxy.join("bad");
    await api.changeRevocation({ action: "revoke", name: "default/bad", reason: "" });
    await control.drain();
    control = await startControl({ dataDir, api: loopback, ads: loopback, log: log() });
    api = clientAt(control.apiUrl);
    bad.reconnect();
    await bad.stream.until(() => bad.stream.closed !== undefined);
    expect(bad.stream.commits).toEqual([]);
    await api.changeRevocation({ action: "unrevoke", name: "default/bad", reason: "" });
    bad.stream = new TestProxy(clientOf(control, bad.identity), "default/bad");
    await bad.stream.until(() => bad.stream.commits.length > 0);
  });
});

test("the list of certificates says whose they are, which are in use, and beneath which root", async () => {
  const proxy = await MovingProxy.join("a");
  await proxy.renew();
  await proxy.stream.until(() => proxy.stream.commits.length > 0);
  const { certificates, authorities } = await api.certificates();
  expect(certificates.map(({ workload, inUse }) => [workload, inUse])).toEqual([
    ["default/a", true],
    ["default/a", false],
  ]);
  const root = authorities.find(({ kind }) => kind === "root");
  expect(certificates.map((each) => each.root)).toEqual([root?.fingerprint ?? "", root?.fingerprint ?? ""]);
  expect(authorities).toMatchObject([
    { kind: "root", trusted: true, issuing: true },
    { kind: "intermediate", issuing: true },
  ]);
});
