/**
 * Three control planes over an etcd of three, and twenty workloads: each a sidecar of its own and an application within this
 * process, on loopback addresses. Between proxies, control planes and etcd are lines that can be cut.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import { type EtcdCluster, startEtcd } from "../../src/store/etcd/testing/etcd-server.ts";
import { type Running, spawnProcess } from "../e2e/harness/child-process.ts";
import { unusedPort } from "../e2e/harness/bare-mesh.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { SmallDisk } from "../e2e/harness/small-disk.ts";
import { weftProgram } from "../e2e/harness/mesh.ts";
import { CutLine } from "./cut-line.ts";
import type { Means } from "./means.ts";
import { generation, meshObjects, outboundPort, type Place, places, servicePort, services } from "./shape.ts";

const controlCount = 3;
const diskMb = 24;
const readyTimeoutMs = 120_000;
const stopTimeoutMs = 20_000;

export interface Control {
  readonly index: number;
  readonly client: ApiClient;
  readonly dataDir: string;
  /** From proxies. */
  readonly proxyLine: CutLine;
  /** To each member of etcd. */
  readonly storeLines: readonly CutLine[];
  process: Running;
}

export interface Workload {
  readonly place: Place;
  readonly address: string;
  readonly dataDir: string;
  readonly application: Bun.Server<undefined>;
  /** Read by libfaketime: seconds that its machine's clock is wrong by. */
  readonly clockFile: string;
  process: Running;
}

export class ChaosMesh implements AsyncDisposable {
  readonly network = `127.${64 + (process.pid % 60)}.${1 + Math.floor(Math.random() * 250)}`;
  readonly controls: Control[] = [];
  readonly workloads: Workload[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "weft-chaos-"));
  readonly etcd: EtcdCluster;
  /** Control plane 0 has its data directory there. */
  readonly disk: SmallDisk | undefined;
  readonly #faketime: string | undefined;

  private constructor(etcd: EtcdCluster, { faketime, smallDiskRefusal }: Means) {
    this.etcd = etcd;
    this.#faketime = faketime;
    this.disk = smallDiskRefusal === undefined ? new SmallDisk(diskMb) : undefined;
    writeFileSync(join(this.directory, "store-key"), Buffer.alloc(32, 7).toString("base64"), { mode: 0o600 });
  }

  static async start(means: Means): Promise<ChaosMesh> {
    const mesh = new ChaosMesh(await startEtcd({ size: 3 }), means);
    try {
      for (let index = 0; index < controlCount; index++) await mesh.#startControl(index);
      await mesh.client.transact({ message: "chaos", objects: [...meshObjects(), ...generation(1)] });
      for (const place of places) {
        const workload = await mesh.#prepareWorkload(place);
        mesh.workloads.push(workload);
        // The first builds the program where a source is newer; the others find it.
        if (mesh.workloads.length === 1) await ready(workload.process);
      }
      await Promise.all(mesh.workloads.map((workload) => this.#begun(mesh, workload)));
      return mesh;
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async #begun(mesh: ChaosMesh, workload: Workload): Promise<void> {
    await ready(workload.process);
    await mesh.untilServing(workload);
  }

  get client(): ApiClient {
    const [first] = this.controls;
    if (first === undefined) throw new Error("no control plane was started");
    return first.client;
  }

  async restartControl(control: Control): Promise<void> {
    control.process = this.#spawnControl(control);
    await ready(control.process);
  }

  /** With what it has on disk; does not wait. */
  restartWorkload(workload: Workload): void {
    workload.process = this.#spawnProxy(workload);
  }

  readonly untilReady = ready;

  /** Its neighbour answers through it. */
  async untilServing({ address, place }: Workload): Promise<void> {
    const url = `http://${address}:${outboundPort((place.service + 1) % services.length)}/`;
    await eventually(async () => {
      const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error(`${place.name} gets ${status}`);
    }, readyTimeoutMs);
  }

  /** Calls once it serves; never where it does not: the run says so then. */
  whenServing(workload: Workload, then: () => void): void {
    this.untilServing(workload).then(then, () => undefined);
  }

  /** What each process has said since it was last started. */
  writeLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const { index, process: running } of this.controls)
      writeFileSync(join(folder, `control-${index}.log`), running.stderr);
    for (const { place, process: running } of this.workloads)
      writeFileSync(join(folder, `${place.name}.log`), running.stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process: running } of [...this.workloads, ...this.controls]) {
      running.kill("SIGCONT");
      running.kill("SIGTERM");
    }
    for (const { process: running } of [...this.workloads, ...this.controls])
      await running.within(stopTimeoutMs);
    for (const { application } of this.workloads) await application.stop(true);
    for (const { proxyLine, storeLines } of this.controls)
      for (const line of [proxyLine, ...storeLines]) line[Symbol.dispose]();
    await this.etcd[Symbol.asyncDispose]();
    this.disk?.[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }

  // ---- starting

  async #startControl(index: number): Promise<void> {
    const directory = index === 0 && this.disk !== undefined ? this.disk.path : this.directory;
    const dataDir = join(directory, `control-${index}`);
    const [apiPort, adsPort] = [unusedPort(), unusedPort()];
    const storeLines = this.etcd.members.map(({ port }) => new CutLine({ hostname: "127.0.0.1", port }));
    const parts = { index, dataDir, apiPort, adsPort, storeLines };
    const running = this.#spawnControl(parts);
    await ready(running);
    const token = readFileSync(join(dataDir, "token"), "utf8").trim();
    this.controls.push({
      ...{ index, dataDir, storeLines, process: running },
      proxyLine: new CutLine({ hostname: "127.0.0.1", port: adsPort }),
      client: new ApiClient({ server: `http://127.0.0.1:${apiPort}`, token }),
    });
    this.#ports.set(index, { apiPort, adsPort });
  }

  readonly #ports = new Map<number, { readonly apiPort: number; readonly adsPort: number }>();

  #spawnControl(control: {
    readonly index: number;
    readonly dataDir: string;
    readonly storeLines: readonly CutLine[];
    readonly apiPort?: number;
    readonly adsPort?: number;
  }): Running {
    const known = this.#ports.get(control.index);
    const [apiPort, adsPort] = [known?.apiPort ?? control.apiPort, known?.adsPort ?? control.adsPort];
    const members = control.storeLines.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return this.#spawn([
      ...["control", "--data-dir", control.dataDir, "--store", `etcd://${members}/chaos`],
      ...["--store-key-file", join(this.directory, "store-key")],
      ...["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`, "--log-format", "json"],
    ]);
  }

  async #prepareWorkload(place: Place): Promise<Workload> {
    const address = `${this.network}.${place.host}`;
    const home = join(this.directory, place.name);
    mkdirSync(home);
    const clockFile = join(home, "clock");
    writeFileSync(clockFile, "+0");
    const account = { namespace: "default", serviceAccount: services[place.service] ?? "" };
    const token = await this.client.createJoinToken(account);
    writeFileSync(join(home, "join-token"), token, { mode: 0o600 });
    const applicationAddress = `${this.network}.${place.host + 100}`;
    const application = Bun.serve({
      hostname: applicationAddress,
      port: servicePort,
      fetch: () => new Response(place.name),
    });
    const rootPem = readFileSync(join(this.controls[0]?.dataDir ?? "", "root.pem"), "utf8");
    const [first, ...more] = this.controls.map(({ proxyLine: { port } }) => ({ address: "127.0.0.1", port }));
    const bootstrap = {
      role: "sidecar",
      workload: {
        ...{ ...account, name: place.name, labels: { app: account.serviceAccount }, addresses: [address] },
        ...{ ports: [{ port: servicePort, name: "http", protocol: "http" }], region: "", zone: "" },
      },
      controlPlane: { ...first, others: more, trustRootsPem: rootPem },
      joinTokenFile: join(home, "join-token"),
      dataDir: join(home, "data"),
      capture: {
        kind: "explicit",
        outbound: services.map((service, index) => ({
          ...{ address, port: outboundPort(index), service: `default/${service}`, servicePort },
        })),
      },
      tunnel: { address, port: 15_008 },
      application: { address: applicationAddress },
      admin: { address, port: 15_020 },
      health: { address, port: 15_021 },
      dnsUpstreams: [],
      logFormat: "json",
      logLevel: "warn",
    };
    writeFileSync(join(home, "bootstrap.json"), JSON.stringify(bootstrap), { mode: 0o600 });
    const parts = { place, address, dataDir: join(home, "data"), application, clockFile };
    return { ...parts, process: this.#spawnProxy(parts) };
  }

  #spawnProxy({ place, clockFile }: Pick<Workload, "place" | "clockFile">): Running {
    const clock =
      this.#faketime === undefined
        ? {}
        : {
            LD_PRELOAD: this.#faketime,
            FAKETIME_TIMESTAMP_FILE: clockFile,
            FAKETIME_NO_CACHE: "1",
            FAKETIME_DONT_FAKE_MONOTONIC: "1",
          };
    return this.#spawn(["proxy", "--bootstrap", join(this.directory, place.name, "bootstrap.json")], clock);
  }

  #spawn(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return spawnProcess([weftProgram, ...argv], { cwd: this.directory, env: { ...process.env, ...env } });
  }
}

async function ready(running: Running): Promise<void> {
  await running.untilLine("stderr", readyTimeoutMs, (line) => line.includes('"event":"ready"') || undefined);
}
