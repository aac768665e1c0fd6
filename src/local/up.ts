/**
 * The outer process of `weft up`: takes the name and the doors, finds out which isolation is possible, starts the supervisor
 * there (inside new namespaces, or here where there are none) and ends all of it again.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Exit, Launched } from "../intercept/index.ts";
import { processStartTime } from "../intercept/index.ts";
import { type Clock, type Log, type LogLevel, WeftError } from "../kernel/index.ts";
import { fabricAddresses } from "./addresses.ts";
import { controlClient } from "./control-client.ts";
import { describeExit } from "./describe-exit.ts";
import type { IsolationKind, SocketAddress } from "./fabric.ts";
import { freePort } from "./free-port.ts";
import { type GatewayPlace, gatewayDoors } from "./gateway-doors.ts";
import { innerEnvironment } from "./inner-environment.ts";
import { hostDirectory, Instance, instanceRoot } from "./instance.ts";
import { type IsolationChoice, isolate, type Refused } from "./isolation.ts";
import { LoopbackFabric } from "./loopback-fabric.ts";
import { LocalMesh, type MeshReady } from "./mesh.ts";
import { makeDirectory } from "./make-directory.ts";
import { ports } from "./ports.ts";
import type { Program } from "./programs.ts";
import { Relay } from "./relay.ts";
import { readOutcome, type SupervisorOutcome } from "./supervisor-report.ts";
import { type MeshSpec, writeSpec } from "./supervisor-spec.ts";
import { weftCommand } from "./weft-command.ts";

export interface UpOptions {
  readonly name: string;
  readonly isolation: IsolationChoice;
  readonly dataDir: string;
  /** Port 0: any free one. */
  readonly api: SocketAddress;
  readonly gateway: GatewayPlace;
  readonly programs: readonly Program[];
  readonly objects: readonly unknown[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
}

export interface UpReady extends MeshReady {
  readonly isolation: IsolationKind;
  /** What was tried before, and why it was not possible. */
  readonly refused: readonly Refused[];
  readonly api: SocketAddress;
  readonly gateway: GatewayPlace;
}

/** What runs the mesh: a process inside the namespaces, or the supervisor itself. */
interface Supervisor {
  readonly isolation: IsolationKind;
  readonly refused: readonly Refused[];
  readonly ready: Promise<MeshReady>;
  /** Settles when it ends without having been asked to. */
  readonly ended: Promise<WeftError>;
  stop(): Promise<void>;
  force(): void;
}

export class LocalUp {
  readonly #options: UpOptions;
  #instance: Instance | undefined;
  #relay: Relay | undefined;
  #supervisor: Supervisor | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: UpOptions) {
    this.#options = options;
  }

  /** Rejects with what could not be done; `stop` then takes back what was. */
  async start(): Promise<UpReady> {
    const { name, env, log, dataDir } = this.#options;
    makeDirectory(dataDir, "choose another with --data-dir");
    this.#instance = await Instance.claim(instanceRoot(env), name, log);
    const api = withPort(this.#options.api);
    const gateway = withGatewayPort(this.#options.gateway);
    const supervisor = await this.#startSupervisor(this.#instance, api, gateway);
    const { isolation, refused } = supervisor;
    const ready = await this.#unlessStopping(supervisor.ready);
    return { ...ready, isolation, refused, api, gateway };
  }

  /** Settles when the mesh ends by itself, which it does not unless something is badly wrong. */
  async failed(): Promise<WeftError> {
    if (this.#supervisor === undefined) throw new WeftError("internal", "the mesh was not started");
    return this.#unlessStopping(this.#supervisor.ended);
  }

  /** Stopping makes the supervisor end, which then is no failure: whoever waits for one goes on waiting. */
  async #unlessStopping<T>(outcome: Promise<T>): Promise<T> {
    try {
      const result = await outcome;
      return this.#stopped === undefined ? result : await new Promise<never>(() => {});
    } catch (error) {
      if (this.#stopped !== undefined) return await new Promise<never>(() => {});
      throw error;
    }
  }

  /** Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  force(): void {
    this.#supervisor?.force();
  }

  async #stop(): Promise<void> {
    await this.#supervisor?.stop();
    this.#relay?.close();
    await this.#instance?.close(this.#options.log);
  }

  async #startSupervisor(
    instance: Instance,
    api: SocketAddress,
    gateway: UpOptions["gateway"],
  ): Promise<Supervisor> {
    const { isolation: choice, env, log, dataDir, programs, objects, logFormat, logLevel } = this.#options;
    const outcome = Promise.withResolvers<SupervisorOutcome>();
    const spec: MeshSpec = {
      task: "mesh",
      instanceId: instance.id,
      instanceDirectory: instance.directory,
      ...{ api, dataDir, programs, objects, gateway, logFormat, logLevel },
    };
    // Whatever the isolation: that a door is taken is found out before anything is started.
    const { hostAddress, port } = gateway;
    const gateways = port === undefined ? gatewayDoors(objects, gateway) : [{ address: hostAddress, port }];
    this.#openRelay(instance, api, gateways);
    const specFile = writeSpec(spec);
    const isolation = await isolate(choice, {
      argv: (kind) => weftCommand("fabric", "--kind", kind, "--spec", specFile),
      env: innerEnvironment(env, instance.directory),
      instanceId: instance.id,
      log,
      onMessage: (message) => {
        const read = readOutcome(message);
        if (read !== undefined) outcome.resolve(read);
      },
    }).finally(() => rmSync(specFile, { force: true }));
    const record = { isolation: isolation.kind, dataDir, tokenFile: join(dataDir, "token"), api };
    if (isolation.kind === "loopback") {
      // Here the mesh takes the doors itself.
      this.#relay?.close();
      this.#relay = undefined;
      const fabric = new LoopbackFabric({ instanceId: instance.id, api, log });
      instance.publish({ ...record, ads: fabric.control.ads });
      const supervisor = superviseHere(fabric, isolation.refused, { ...this.#options, gateway });
      this.#supervisor = supervisor;
      return supervisor;
    }
    const { inner, netNamespaceId, kind, refused } = isolation;
    this.#supervisor = superviseInside({ inner, kind, refused, outcome: outcome.promise });
    instance.publish({
      ...record,
      ads: { address: fabricAddresses.v4, port: ports.ads },
      inner: { pid: inner.pid, startTime: processStartTime(inner.pid) ?? "", netNamespaceId },
    });
    return this.#supervisor;
  }

  #openRelay(instance: Instance, api: SocketAddress, gateways: readonly SocketAddress[]): void {
    const { log } = this.#options;
    this.#relay = new Relay({
      directory: hostDirectory(instance.directory),
      log,
      onRefused: (door, error) =>
        log.error(`a gateway's listener on port ${door.port} is not served: ${error.message}`),
    });
    this.#relay.reserve(api);
    for (const door of gateways) this.#relay.reserve(door);
    this.#relay.start();
  }
}

function superviseHere(fabric: LoopbackFabric, refused: readonly Refused[], options: UpOptions): Supervisor {
  const mesh = new LocalMesh({ ...options, fabric, connect: controlClient });
  return {
    isolation: fabric.kind,
    refused,
    ready: mesh.start(),
    ended: new Promise(() => {}),
    stop: () => mesh.stop(),
    force: () => mesh.force(),
  };
}

const sigterm = 15;
const sigkill = 9;

function superviseInside(inside: {
  readonly inner: Launched;
  readonly kind: IsolationKind;
  readonly refused: readonly Refused[];
  readonly outcome: Promise<SupervisorOutcome>;
}): Supervisor {
  const { inner, kind, refused, outcome } = inside;
  const ended = inner.exited.then(
    (exit: Exit) => new WeftError("internal", `the mesh's supervisor ${describeExit(exit)}`),
  );
  const ready = Promise.race([outcome, ended]).then((result) => {
    if (result instanceof WeftError) throw result;
    if (result.kind === "failed") throw result.error;
    return result.ready;
  });
  return {
    isolation: kind,
    refused,
    ready,
    ended,
    stop: async () => {
      inner.kill(sigterm);
      await inner.exited;
    },
    force: () => void inner.kill(sigkill),
  };
}

function withPort(address: SocketAddress): SocketAddress {
  return address.port === 0 ? { ...address, port: freePort(address.address) } : address;
}

function withGatewayPort(gateway: UpOptions["gateway"]): UpOptions["gateway"] {
  return gateway.port === 0 ? { ...gateway, port: freePort(gateway.hostAddress) } : gateway;
}
