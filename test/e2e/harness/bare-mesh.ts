/** A control plane and proxies started by hand, on loopback addresses of their own and without any right. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../../src/client/index.ts";
import type { ProxyBootstrap } from "../../../src/proxy/index.ts";
import { type Running, spawnProcess } from "./child-process.ts";
import { weftProgram } from "./mesh.ts";

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

export interface BareProxy {
  readonly process: Running;
  /** Of the admin port. */
  readonly adminUrl: string;
}

export class BareMesh implements AsyncDisposable {
  /** Two runs at once keep out of each other's way. */
  readonly network = `127.${64 + (process.pid % 60)}.${1 + Math.floor(Math.random() * 250)}`;
  /** Of proxies that are started from then on, beside the test's own. */
  environment: Readonly<Record<string, string>> = {};
  /** What starts weft, for proxies that are started from then on: another build than that of now. */
  program: readonly string[] = [weftProgram];
  readonly client: ApiClient;
  /** For `weft --server` and WEFT_TOKEN. */
  readonly access: { readonly server: string; readonly token: string };
  /** `control`, and `<name>/data` of each proxy. */
  readonly directory: string;
  readonly control: Running;
  readonly adsPort: number;
  readonly #processes: Running[] = [];

  private constructor(
    directory: string,
    adsPort: number,
    access: { readonly server: string; readonly token: string },
    control: Running,
  ) {
    this.directory = directory;
    this.adsPort = adsPort;
    this.access = access;
    this.client = new ApiClient(access);
    this.control = control;
    this.#processes.push(control);
  }

  static async start(
    objects: readonly object[],
    program: readonly string[] = [weftProgram],
    options: readonly string[] = [],
  ): Promise<BareMesh> {
    const directory = mkdtempSync(join(tmpdir(), "weft-bare-"));
    const dataDir = join(directory, "control");
    const [apiPort, adsPort] = [unusedPort(), unusedPort()];
    const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
    const control = await started(directory, [
      ...program,
      "control",
      "--data-dir",
      dataDir,
      ...doors,
      ...options,
      "--log-format",
      "json",
    ]);
    const token = readFileSync(join(dataDir, "token"), "utf8").trim();
    const access = { server: `http://127.0.0.1:${apiPort}`, token };
    const mesh = new BareMesh(directory, adsPort, access, control);
    await mesh.apply(...objects);
    return mesh;
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.client.transact({ message: "test", objects: [...objects] });
  }

  /** A second time under the same name: with what it left on disk. */
  async startProxy(
    name: string,
    host: number,
    parts: Partial<ProxyBootstrap>,
    options: readonly string[] = [],
  ): Promise<BareProxy> {
    const address = `${this.network}.${host}`;
    const file = await this.#bootstrap(name, address, parts);
    const process_ = await started(
      this.directory,
      [...this.program, "proxy", "--bootstrap", file, ...options],
      this.environment,
    );
    this.#processes.push(process_);
    return { process: process_, adminUrl: `http://${address}:15020` };
  }

  /** Ends all of it, the control plane last; what they wrote stays until this is disposed of. */
  async stop(): Promise<void> {
    for (const each of this.#processes.toReversed()) {
      each.kill("SIGTERM");
      await each.within(stopTimeoutMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #bootstrap(name: string, address: string, parts: Partial<ProxyBootstrap>): Promise<string> {
    const home = join(this.directory, name);
    mkdirSync(home, { recursive: true });
    const joinTokenFile = join(home, "join-token");
    // The only account that may serve gateways unless the mesh's configuration names others.
    const account =
      parts.role === "gateway"
        ? { namespace: "weft-system", serviceAccount: "gateway" }
        : {
            namespace: parts.workload?.namespace ?? "default",
            serviceAccount: parts.workload?.serviceAccount ?? "default",
          };
    const token = await this.client.createJoinToken(account);
    writeFileSync(joinTokenFile, token, { mode: 0o600 });
    const bootstrap: ProxyBootstrap = {
      role: "sidecar",
      workload: {
        ...account,
        name,
        labels: { app: name },
        addresses: [address],
        ports: [],
        region: "",
        zone: "",
      },
      controlPlane: {
        address: "127.0.0.1",
        port: this.adsPort,
        trustRootsPem: readFileSync(join(this.directory, "control", "root.pem"), "utf8"),
      },
      joinTokenFile,
      dataDir: join(home, "data"),
      capture: { kind: "none" },
      tunnel: { address, port: 15_008 },
      application: { address: "127.0.0.1" },
      admin: { address, port: 15_020 },
      health: { address, port: 15_021 },
      dnsUpstreams: [],
      logFormat: "json",
      logLevel: "info",
      ...parts,
    };
    const file = join(home, "bootstrap.json");
    writeFileSync(file, JSON.stringify(bootstrap), { mode: 0o600 });
    return file;
  }
}

/** Free a moment ago, on 127.0.0.1. */
export function unusedPort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function started(
  cwd: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawnProcess(argv, { cwd, env: { ...process.env, ...env } });
  await child.untilLine("stderr", readyTimeoutMs, (line) => line.includes('"event":"ready"') || undefined);
  return child;
}
