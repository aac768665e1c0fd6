/**
 * Supervises a mesh on this machine: the control plane first, then the gateway and every program with its sidecar, all at once.
 * Whatever ends by itself is started again; `stop` ends all of it in the order in which requests depend on it.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { canonicalIp, type Clock, type Log, type LogLevel, runtimePath, WeftError } from "../kernel/index.ts";
import { gatewayAccount, gatewayName, gatewayNamespace } from "./base-objects.ts";
import type { ControlDoors, Fabric, Site } from "./fabric.ts";
import { LogFiles } from "./log-files.ts";
import type { MeshControl } from "./mesh-control.ts";
import { pollUntil } from "./poll.ts";
import type { Program } from "./programs.ts";
import { gatewayFailures, proxyProcess } from "./proxy-process.ts";
import { Restarter } from "./restarter.ts";
import { untilReady } from "./until-ready.ts";
import { weftCommand } from "./weft-command.ts";
import { Workload, type WorkloadSurroundings } from "./workload.ts";

const controlReadyTimeoutMs = 15_000;
const controlGraceMs = 5_000;
const gatewayGraceMs = 6_000;
/** Every proxy runs the newest revision within milliseconds; a machine that takes this long is in trouble. */
const convergeTimeoutMs = 15_000;

export interface LocalMeshOptions {
  readonly fabric: Fabric;
  /** Absolute. */
  readonly dataDir: string;
  readonly programs: readonly Program[];
  /** Applied as one transaction before any workload is started. */
  readonly objects: readonly unknown[];
  readonly gateway: { readonly hostAddress: string; readonly port?: number };
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  /** The client of the control plane that serves at the fabric's doors. */
  readonly connect: (doors: ControlDoors, dataDir: string) => MeshControl;
}

export interface MeshReady {
  /** What the fabric cannot do, one sentence each. */
  readonly limits: readonly string[];
  readonly revision: number;
  readonly workloads: number;
  /** Programs that do not listen on their port yet, `namespace/name`. */
  readonly silent: readonly string[];
  readonly logsDir: string;
  /** The API's bearer token. */
  readonly tokenFile: string;
}

export class LocalMesh {
  readonly #options: LocalMeshOptions;
  readonly #logs: LogFiles;
  readonly #control: MeshControl;
  readonly #controlProcess: Restarter;
  readonly #workloads: Workload[] = [];
  #gateway: Restarter | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: LocalMeshOptions) {
    const { dataDir, clock, log, fabric } = options;
    this.#options = options;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#logs = new LogFiles(join(dataDir, "logs"), clock);
    this.#control = options.connect(fabric.control, dataDir);
    this.#controlProcess = new Restarter({
      name: "the control plane",
      clock,
      log,
      launch: async () => {
        const { fd } = this.#logOf("control");
        return fabric.launchControl({
          argv: controlCommand(options),
          env: options.env,
          stdio: ["null", { fd }, { fd }],
          ownSession: true,
        });
      },
      ready: (launched) => {
        const { lastLine } = this.#logOf("control");
        const name = "the control plane";
        const wait = { name, launched, clock, timeoutMs: controlReadyTimeoutMs, lastLine };
        return untilReady(wait, () => this.#control.isReady());
      },
    });
  }

  /** Rejects with the first thing that could not be started; what was started by then `stop` ends. */
  async start(): Promise<MeshReady> {
    const { objects, programs, dataDir } = this.#options;
    await this.#controlProcess.start();
    const revision = await this.#control.apply([gatewayAccount, ...objects], "weft up");
    const surroundings = this.#surroundings();
    const [gateway] = await Promise.all([
      this.#startGateway(surroundings),
      ...programs.map((program) => this.#startWorkload(program, surroundings)),
    ]);
    const silent = await this.#silentPrograms();
    await this.#converged(revision);
    await refuseTakenDoors(gateway);
    const { limits } = this.#options.fabric;
    return {
      revision,
      workloads: programs.length,
      silent,
      limits,
      logsDir: join(dataDir, "logs"),
      tokenFile: join(dataDir, "token"),
    };
  }

  /** Drains and ends everything, then removes the fabric. Idempotent; never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** A second signal: nothing is waited for. `stop` then finishes at once. */
  force(): void {
    this.#gateway?.kill();
    for (const workload of this.#workloads) workload.kill();
    this.#controlProcess.kill();
  }

  async #stop(): Promise<void> {
    await this.#gateway?.stop(gatewayGraceMs);
    await Promise.all(this.#workloads.map((workload) => workload.stop()));
    await this.#controlProcess.stop(controlGraceMs);
    await this.#options.fabric.close();
    this.#logs.close();
  }

  async #startGateway(surroundings: WorkloadSurroundings): Promise<Site> {
    const { fabric, gateway } = this.#options;
    const site = await fabric.addGateway({ namespace: gatewayNamespace, name: gatewayName, ...gateway });
    this.#refuseWhenStopping(site);
    const identity = { role: "gateway", serviceAccount: gatewayName, labels: {}, ports: [] } as const;
    this.#gateway = proxyProcess(site, identity, surroundings);
    await this.#gateway.start();
    return site;
  }

  async #startWorkload(program: Program, surroundings: WorkloadSurroundings): Promise<void> {
    const { namespace, name, ports } = program;
    const upstreams = program.upstreams.map((upstream) => ({
      ...upstream,
      protocol: this.#protocolOf(upstream),
    }));
    const site = await this.#options.fabric.addWorkload({ namespace, name, ports, upstreams });
    this.#refuseWhenStopping(site);
    const workload = new Workload(program, site, surroundings);
    this.#workloads.push(workload);
    await workload.start();
  }

  /** Ctrl-C during the start: what comes late must not be started any more. */
  #refuseWhenStopping(site: Site): void {
    if (this.#stopped !== undefined) {
      throw new WeftError("unavailable", `${site.namespace}/${site.name} was stopped while it started`);
    }
  }

  #protocolOf(upstream: {
    readonly namespace: string;
    readonly service: string;
    readonly port: number;
  }): string {
    const member = this.#options.programs.find(
      ({ namespace, service }) => namespace === upstream.namespace && service === upstream.service,
    );
    return member?.ports.find(({ port }) => port === upstream.port)?.protocol ?? "";
  }

  async #silentPrograms(): Promise<string[]> {
    const checks = this.#workloads.map(async (workload) => ({ workload, listens: await workload.listens() }));
    return (await Promise.all(checks))
      .filter(({ listens }) => !listens)
      .map(({ workload: { program } }) => `${program.namespace}/${program.name}`);
  }

  async #converged(revision: number): Promise<void> {
    const { clock } = this.#options;
    await pollUntil(
      "every proxy to run the newest revision",
      { clock, timeoutMs: convergeTimeoutMs },
      async () => {
        const { proxies } = await this.#control.status();
        const connected = proxies.filter((proxy) => proxy.connected);
        const expected = this.#workloads.length + 1;
        return connected.length >= expected && connected.every((proxy) => proxy.revision >= revision);
      },
    );
  }

  #surroundings(): WorkloadSurroundings {
    const { clock, log, dataDir, env, logFormat, logLevel, fabric } = this.#options;
    return {
      ...{ clock, log, env, logFormat, logLevel },
      control: this.#control,
      ads: fabric.control.ads,
      trustRootsPem: readFileSync(join(dataDir, "root.pem"), "utf8"),
      proxiesDir: join(dataDir, "proxies"),
      logOf: (name) => this.#logOf(name),
      runtimeDir: linkRuntime(dataDir),
    };
  }

  #logOf(name: string): { fd: number; lastLine: () => string | undefined } {
    return { fd: this.#logs.descriptor(name), lastLine: () => this.#logs.lastLine(name) };
  }
}

/** Where the gateway itself listens on the machine: a port that was free when the mesh began may be somebody's by now. */
async function refuseTakenDoors(gateway: Site): Promise<void> {
  if (gateway.proxy.gateway?.kind !== "tcp") return;
  const [failure] = await gatewayFailures(gateway);
  if (failure !== undefined) throw new WeftError("address_in_use", failure);
}

function controlCommand({ fabric, dataDir, gateway, logFormat, logLevel }: LocalMeshOptions): string[] {
  const { ads, api } = fabric.control;
  return weftCommand(
    "control",
    ...["--data-dir", dataDir, "--ads", hostPort(ads)],
    ...["--api", api.kind === "unix" ? `unix:${api.unixPath}` : hostPort(api)],
    ...["--log-format", logFormat, "--log-level", logLevel],
    ...(canonicalIp(gateway.hostAddress) === undefined ? [] : ["--gateway", gateway.hostAddress]),
  );
}

function hostPort({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A folder in which `bun` is the runtime that weft itself runs on. */
function linkRuntime(dataDir: string): string {
  const directory = join(dataDir, "bin");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const link = join(directory, "bun");
  rmSync(link, { force: true });
  symlinkSync(runtimePath, link);
  return directory;
}
