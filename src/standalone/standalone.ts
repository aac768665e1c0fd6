/**
 * The composition root of `weft serve`: files -> admission -> compiler -> gateway, with or without workers. A change of the files is
 * one commit; a process with a data directory can be replaced by another one without a lost connection.
 *
 *   files read -> (place of the process before asked for) -> listeners open -> (place taken) -> serving
 *   serving --drain() | taken over--> draining --> stopped
 */
import { join } from "node:path";
import { type Clock, errorLine, type Log, systemClock, WeftError } from "../kernel/index.ts";
import type { KeySetSettings } from "../jwks/index.ts";
import { Protocol } from "../model/index.ts";
import { MachineWatch } from "../net/index.ts";
import type { GatewayListen, SuppliedChange } from "../proxy/index.ts";
import {
  HandOverServer,
  InstanceDirectory,
  PageServer,
  type PageSource,
  type Place,
  placeText,
  TakeOver,
} from "../workers/index.ts";
import { CompilerProcess } from "./compiler-process.ts";
import { FileWatch } from "./file-watch.ts";
import { type GatewayHost, hostInProcess, hostInWorkers } from "./gateway-host.ts";
import { gatewayHost } from "./machine.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import type { Pipeline } from "./pipeline.ts";
import type { FileSource } from "./source-object.ts";

export interface StandaloneOptions {
  readonly files: FileSource;
  /** Starts the process that reads and compiles the files. Absent: this process does. */
  readonly compiler?: readonly string[];
  readonly gateway: GatewayListen;
  /** `address` or `address:port` of resolvers, for external services by name. Absent: there are none. */
  readonly dnsUpstreams?: readonly string[];
  /** Absent: not opened. */
  readonly admin?: Place;
  readonly health?: Place;
  /** Absent: this process carries the traffic itself. */
  readonly workers?: { readonly count: number; readonly command: (index: number) => readonly string[] };
  /** How keys of tokens' issuers are fetched. */
  readonly keySets?: KeySetSettings;
  /** Only one process at a time has it. Absent: nobody can take over from this one. */
  readonly dataDir?: string;
  /** Replace the process that has the data directory; without one, start as ever. */
  readonly takesOver?: boolean;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RunningStandalone {
  /** The first of the gateway's listeners as a URL. */
  readonly gatewayUrl: string;
  readonly listeners: readonly Place[];
  readonly admin: Place | undefined;
  readonly health: Place | undefined;
  readonly revision: number;
  /** The process that this one took over from. */
  readonly replacedPid: number | undefined;
  /** Resolves when another process has taken over and all that was in flight here is done. */
  readonly replaced: Promise<void>;
  /** Reads the files again, changed or not. */
  reload(): void;
  /** Finishes what is in flight. Idempotent. */
  drain(): Promise<void>;
  close(): void;
}

/** Resolves when all listeners are open. Throws WeftError; then nothing is left open. */
export async function startStandalone(options: StandaloneOptions): Promise<RunningStandalone> {
  const standalone = new Standalone(options, await pipelineFactory(options));
  try {
    await standalone.start();
  } catch (error) {
    standalone.close();
    throw error;
  }
  return standalone;
}

type PipelineFactory = (commit: (change: SuppliedChange) => Promise<void>) => Pipeline;

/** Compiling here takes modules that a gateway with a compiler beside it need not load. */
async function pipelineFactory(options: StandaloneOptions): Promise<PipelineFactory> {
  const { files, compiler, gateway, log, clock = systemClock } = options;
  if (compiler !== undefined) {
    return (commit) => new CompilerProcess({ command: compiler, commit, clock, log });
  }
  const { FilePipeline } = await import("./file-pipeline.ts");
  return (commit) =>
    new FilePipeline({ files, gatewayHost: () => gatewayHost(gateway.address), commit, clock, log });
}

/** The process before gives its lock free just before it says so. */
const lockRetryMs = 20;
const maxLockTries = 100;

class Standalone implements RunningStandalone {
  replacedPid: number | undefined;
  readonly #options: StandaloneOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #pipeline: Pipeline;
  readonly #replaced = Promise.withResolvers<void>();
  #host: GatewayHost | undefined;
  #keys: IssuerKeys | undefined;
  #watch: FileWatch | undefined;
  #machine: MachineWatch | undefined;
  #directory: InstanceDirectory | undefined;
  #takeOver: TakeOver | undefined;
  #handOver: HandOverServer | undefined;
  #admin: PageServer | undefined;
  #health: PageServer | undefined;

  constructor(options: StandaloneOptions, pipelineOf: PipelineFactory) {
    const { log, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#pipeline = pipelineOf(async (change) => await this.#host?.commit(change));
  }

  async start(): Promise<void> {
    const { files, gateway, dnsUpstreams = [], workers, dataDir } = this.#options;
    const state = await this.#pipeline.load();
    if (dataDir !== undefined) await this.#enter(InstanceDirectory.open(dataDir));
    this.#keys = this.#openKeys();
    await this.#keys.start();
    const takeOver = this.#takeOver;
    // The process before still has these ports.
    if (takeOver === undefined) this.#openPages();
    const host = {
      agent: this.#pipeline.agent,
      gateway,
      dnsUpstreams,
      taken: takeOver?.places ?? [],
      clock: this.#clock,
      log: this.#log,
    };
    this.#host = await (workers === undefined ? hostInProcess(host) : hostInWorkers({ ...host, ...workers }));
    if (takeOver !== undefined) await this.#succeed(takeOver, this.#host);
    if (this.#directory !== undefined) this.#handOver = this.#openHandOver(this.#directory, this.#host);
    this.#watch = new FileWatch(
      {
        paths: files.paths,
        list: files.list,
        clock: this.#clock,
        onChange: async () => {
          await this.#pipeline.reload();
          this.#keys?.follow();
        },
      },
      state,
    );
    this.#machine = new MachineWatch(
      () => gatewayHost(gateway.address),
      this.#clock,
      () => this.reload(),
    );
  }

  get gatewayUrl(): string {
    const [first] = this.listeners;
    const ports = this.#pipeline.agent.snapshot.gatewayPorts;
    const port = ports.find(({ protocol }) => protocol !== Protocol.UDP);
    if (first !== undefined && port !== undefined) return `${schemeOf(port)}://${placeText(first)}`;
    const [datagrams] = ports;
    if (datagrams === undefined) return "";
    const address = datagrams.address || this.#options.gateway.address;
    return `udp://${placeText({ address, port: this.#options.gateway.port ?? datagrams.port })}`;
  }

  get listeners(): readonly Place[] {
    return this.#host?.listeners ?? [];
  }

  get admin(): Place | undefined {
    return this.#admin?.bound;
  }

  get health(): Place | undefined {
    return this.#health?.bound;
  }

  get revision(): number {
    return this.#pipeline.revision;
  }

  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  reload(): void {
    this.#watch?.force();
  }

  drain(): Promise<void> {
    return this.#drain(false);
  }

  async #drain(isReplaced: boolean): Promise<void> {
    this.#keys?.close();
    this.#watch?.close();
    this.#machine?.close();
    this.#handOver?.close();
    await this.#host?.drain(isReplaced);
    this.close();
  }

  close(): void {
    this.#keys?.close();
    this.#watch?.close();
    this.#machine?.close();
    this.#handOver?.close();
    this.#takeOver?.abort();
    this.#host?.close();
    this.#closePages();
    this.#pipeline.close();
    this.#directory?.unlock();
  }

  async #enter(directory: InstanceDirectory): Promise<void> {
    this.#directory = directory;
    if (directory.tryLock()) return;
    if (this.#options.takesOver !== true) {
      throw new WeftError("conflict", `another weft serve runs with the data directory ${directory.path}`, {
        hint: "--takeover replaces it without losing a connection",
      });
    }
    this.#takeOver = await TakeOver.begin(directory, this.#clock);
  }

  /** From here on new connections come here alone, and what there can only be one of is ours. */
  async #succeed(takeOver: TakeOver, host: GatewayHost): Promise<void> {
    await takeOver.complete(host.listeners, host.count);
    host.tookOver();
    for (let tries = 0; this.#directory?.tryLock() === false; tries++) {
      if (tries === maxLockTries) throw new WeftError("conflict", "another process took the data directory");
      await new Promise<void>((resolve) => void this.#clock.after(lockRetryMs, resolve));
    }
    this.replacedPid = takeOver.pid;
    this.#takeOver = undefined;
    // The other process is leaving: whatever becomes of these, the traffic is ours.
    try {
      this.#openPages();
    } catch (error) {
      this.#closePages();
      this.#log.error("serving without the admin and health ports", { error: errorLine(error) });
    }
  }

  #openKeys(): IssuerKeys {
    const { keySets = {}, dataDir, log } = this.#options;
    return new IssuerKeys({
      settings: keySets,
      directory: dataDir === undefined ? undefined : join(dataDir, "jwks"),
      pipeline: this.#pipeline,
      recompile: () => this.reload(),
      clock: this.#clock,
      log,
    });
  }

  #openHandOver(directory: InstanceDirectory, host: GatewayHost): HandOverServer {
    const pipeline = this.#pipeline;
    return new HandOverServer(
      directory,
      {
        freeze() {
          if (host.notReady() !== undefined) return undefined;
          pipeline.isFrozen = true;
          return host.taken();
        },
        retire: (kept, count) => host.retire(kept, count),
        release: () => {
          this.#closePages();
          directory.unlock();
        },
        leave: () => void this.#drain(true).then(() => this.#replaced.resolve()),
        resume: async () => {
          await host.reopen();
          pipeline.isFrozen = false;
          this.reload();
        },
      },
      this.#log,
    );
  }

  #openPages(): void {
    const { admin, health } = this.#options;
    const source: PageSource = {
      metrics: async () => (await this.#host?.metrics()) ?? "",
      config: async () => await this.#host?.config(),
      notReady: () => (this.#host === undefined ? "listeners are not open yet" : this.#host.notReady()),
    };
    this.#admin = admin && PageServer.openAdmin(admin, source);
    this.#health = health && PageServer.openHealth(health, source);
  }

  #closePages(): void {
    this.#admin?.close();
    this.#health?.close();
    this.#admin = undefined;
    this.#health = undefined;
  }
}

function schemeOf({
  tls,
  protocol,
}: {
  readonly tls: object | undefined;
  readonly protocol: Protocol;
}): string {
  if (tls !== undefined) return "https";
  return protocol === Protocol.TCP ? "tcp" : "http";
}
