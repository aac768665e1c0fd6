/**
 * One program of the mesh with its sidecar. The sidecar serves before the program starts; when the program ends, the sidecar
 * leaves the mesh, and both come back together.
 */
import { delimiter } from "node:path";
import type { Launched } from "../intercept/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { Site } from "./fabric.ts";
import { isListening } from "./listening.ts";
import { pollUntil } from "./poll.ts";
import type { Program } from "./programs.ts";
import { proxyProcess, type ProxySurroundings } from "./proxy-process.ts";
import { Restarter } from "./restarter.ts";

/** What an ordinary server takes to end its connections. */
const programGraceMs = 3_000;
/** The proxy's own drain is bounded; this is a little above it. */
const sidecarGraceMs = 6_000;
const listenTimeoutMs = 10_000;

export interface WorkloadSurroundings extends ProxySurroundings {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the PATH of programs, so that they find a `bun` where the machine has none. */
  readonly runtimeDir: string;
}

export class Workload {
  readonly program: Program;
  readonly #site: Site;
  readonly #surroundings: WorkloadSurroundings;
  readonly #sidecar: Restarter;
  readonly #process: Restarter;

  constructor(program: Program, site: Site, surroundings: WorkloadSurroundings) {
    this.program = program;
    this.#site = site;
    this.#surroundings = surroundings;
    const { clock, log } = surroundings;
    const { serviceAccount, labels, annotations, ports, locality } = program;
    const identity = {
      role: "sidecar",
      serviceAccount,
      labels,
      annotations,
      ports,
      ...(locality && { locality }),
    } as const;
    this.#sidecar = proxyProcess(site, identity, surroundings);
    this.#process = new Restarter({
      name: `program ${program.namespace}/${program.name}`,
      clock,
      log,
      launch: () => this.#launch(),
      ended: () => this.#sidecar.stop(sidecarGraceMs),
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves when the sidecar serves and the program was started. Rejects where that cannot be done at all. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /** False where it does not listen on its port in time, or is no server. */
  async listens(): Promise<boolean> {
    const port = this.program.ports[0]?.port;
    if (port === undefined) return true;
    const { clock } = this.#surroundings;
    const host = this.#site.environment["HOST"];
    try {
      await pollUntil(this.program.name, { clock, timeoutMs: listenTimeoutMs }, () => {
        const pid = this.#process.pid;
        // Between two starts there is no process to look at.
        return pid !== undefined && isListening(pid, port, host === "0.0.0.0" ? undefined : host) !== false;
      });
      return true;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    await this.#process.stop(programGraceMs);
    await this.#sidecar.stop(sidecarGraceMs);
  }

  kill(): void {
    this.#process.kill();
    this.#sidecar.kill();
  }

  async #launch(): Promise<Launched> {
    const { program, env } = { program: this.program, env: this.#surroundings.env };
    await this.#sidecar.start();
    const { fd } = this.#surroundings.logOf(`${program.namespace}.${program.name}`);
    const path = [env["PATH"], this.#surroundings.runtimeDir]
      .filter((part) => part !== undefined)
      .join(delimiter);
    try {
      return this.#site.launchProgram({
        argv: program.command,
        env: { ...env, PATH: path, ...this.#site.environment, ...program.env },
        cwd: program.cwd,
        stdio: ["null", { fd }, { fd }],
        ownSession: true,
      });
    } catch (error) {
      await this.#sidecar.stop(sidecarGraceMs);
      throw error;
    }
  }
}
