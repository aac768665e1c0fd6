/**
 * A control plane, one server sidecar for each application, and one client sidecar with an explicit listener for each: what
 * programs say to a listener goes through both sidecars, with mTLS between them. Loopback addresses of its own, no rights.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../../src/client/index.ts";
import type { ProxyBootstrap } from "../../../src/proxy/index.ts";
import { type Running, spawnProcess } from "../../e2e/harness/child-process.ts";
import { freePort } from "../free-port.ts";

export interface Application {
  readonly name: string;
  /** Where it listens, on 127.0.0.1; undefined: a service without a workload. */
  readonly port: number | undefined;
  /** What the service declares; undefined: the sidecars find out. */
  readonly appProtocol: string | undefined;
}

const weft = join(import.meta.dir, "../../../bin/weft");
const readyTimeoutMs = 20_000;
const stopTimeoutMs = 10_000;
const namespace = "default";
const servicePort = 80;

export class Sidecars implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "wg-"));
  readonly #processes: Running[] = [];
  readonly #listeners = new Map<string, number>();
  /** Two runs at once keep out of each other's way. */
  readonly #network = `127.${randomBetween(64, 127)}.${randomBetween(1, 254)}`;

  /** `objects`: resources beside the applications' Services. */
  static async start(
    applications: readonly Application[],
    objects: readonly Record<string, unknown>[] = [],
  ): Promise<Sidecars> {
    const sidecars = new Sidecars();
    try {
      await sidecars.#start(applications, objects);
      return sidecars;
    } catch (error) {
      await sidecars[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** On 127.0.0.1. */
  listenerOf(application: string): number {
    const port = this.#listeners.get(application);
    if (port === undefined) throw new Error(`no application is called ${application}`);
    return port;
  }

  /** What the processes said, for a failure's report. */
  logs(): string {
    return this.#processes.map((process) => process.stderr).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes.toReversed()) {
      process.kill("SIGTERM");
      await process.within(stopTimeoutMs);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(
    applications: readonly Application[],
    more: readonly Record<string, unknown>[],
  ): Promise<void> {
    const dataDir = join(this.#directory, "control");
    const [apiPort, adsPort] = [freePort(), freePort()];
    const doors = ["--api", `127.0.0.1:${apiPort}`, "--ads", `127.0.0.1:${adsPort}`];
    await this.#spawn(["control", "--data-dir", dataDir, ...doors, "--log-format", "json"]);
    const client = new ApiClient({
      server: `http://127.0.0.1:${apiPort}`,
      token: readFileSync(join(dataDir, "token"), "utf8").trim(),
    });
    await client.transact({ message: "conformance", objects: [...applications.map(serviceOf), ...more] });
    for (const [i, { name, port, appProtocol = "" }] of applications.entries()) {
      this.#listeners.set(name, freePort());
      if (port === undefined) continue;
      const place = { client, adsPort, name, address: `${this.#network}.${i + 2}` };
      await this.#startProxy(place, [{ port, name: appProtocol, protocol: appProtocol }]);
    }
    const outbound = applications.map(({ name }) => ({
      address: "127.0.0.1",
      port: this.listenerOf(name),
      service: `${namespace}/${name}`,
      servicePort,
    }));
    const caller = { client, adsPort, name: "caller", address: `${this.#network}.1` };
    await this.#startProxy(caller, [], { kind: "explicit", outbound });
  }

  async #startProxy(
    place: {
      readonly client: ApiClient;
      readonly adsPort: number;
      readonly name: string;
      readonly address: string;
    },
    ports: ProxyBootstrap["workload"]["ports"],
    capture: ProxyBootstrap["capture"] = { kind: "none" },
  ): Promise<void> {
    const { client, adsPort, name, address } = place;
    const dataDir = join(this.#directory, name);
    mkdirSync(dataDir);
    const joinTokenFile = join(dataDir, "join-token");
    const token = await client.createJoinToken({ namespace, serviceAccount: "default" });
    writeFileSync(joinTokenFile, token, { mode: 0o600 });
    const bootstrap: ProxyBootstrap = {
      role: "sidecar",
      workload: {
        namespace,
        name,
        serviceAccount: "default",
        labels: { app: name },
        addresses: [address],
        ports,
        region: "",
        zone: "",
      },
      controlPlane: {
        address: "127.0.0.1",
        port: adsPort,
        trustRootsPem: readFileSync(join(this.#directory, "control", "root.pem"), "utf8"),
      },
      joinTokenFile,
      dataDir,
      capture,
      tunnel: { address, port: 15_008 },
      application: { address: "127.0.0.1" },
      admin: { address, port: 15_020 },
      health: { address, port: 15_021 },
      dnsUpstreams: [],
      logFormat: "json",
      logLevel: "warn",
    };
    const file = join(dataDir, "bootstrap.json");
    writeFileSync(file, JSON.stringify(bootstrap), { mode: 0o600 });
    await this.#spawn(["proxy", "--bootstrap", file]);
  }

  async #spawn(argv: readonly string[]): Promise<void> {
    const process_ = spawnProcess([weft, ...argv], { cwd: this.#directory, env: process.env });
    this.#processes.push(process_);
    await process_.untilLine(
      "stderr",
      readyTimeoutMs,
      (line) => line.includes('"event":"ready"') || undefined,
    );
  }
}

function serviceOf({ name, port, appProtocol }: Application): Record<string, unknown> {
  const ports = [
    {
      port: servicePort,
      ...(port === undefined ? {} : { targetPort: port }),
      ...(appProtocol === undefined ? {} : { appProtocol }),
    },
  ];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports },
  };
}

function randomBetween(low: number, high: number): number {
  return low + Math.floor(Math.random() * (high - low + 1));
}
