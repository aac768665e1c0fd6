/** One program as a workload of a running mesh, for as long as it runs: its place, its sidecar, then the program itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Launched } from "../intercept/index.ts";
import { type Clock, errorLine, type Log, type LogLevel } from "../kernel/index.ts";
import { shellExitCode } from "./describe-exit.ts";
import type { ControlDoors, Fabric, Site, SocketAddress } from "./fabric.ts";
import { LogFiles } from "./log-files.ts";
import type { MeshControl } from "./mesh-control.ts";
import type { Program } from "./programs.ts";
import { proxyProcess } from "./proxy-process.ts";
import type { Restarter } from "./restarter.ts";

/** `weft run`'s own failures, kept apart from what programs answer, as `env` and `timeout` have it. */
const runFailedExitCode = 125;
const sidecarGraceMs = 6_000;

export interface ProgramRunOptions {
  readonly fabric: Fabric;
  readonly program: Program;
  readonly dataDir: string;
  readonly ads: SocketAddress;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  readonly connect: (doors: ControlDoors, dataDir: string) => MeshControl;
}

export class ProgramRun {
  readonly #options: ProgramRunOptions;
  #launched: Launched | undefined;
  /** A signal that came before there was a program to give it to. */
  #early: number | undefined;

  constructor(options: ProgramRunOptions) {
    this.#options = options;
  }

  /** Resolves with the program's exit code when the program has ended and nothing of the workload is left. */
  async toEnd(): Promise<number> {
    const { fabric, program, dataDir, clock, log } = this.#options;
    const logs = new LogFiles(join(dataDir, "logs"), clock);
    let sidecar: Restarter | undefined;
    let site: Site | undefined;
    try {
      const { namespace, name, ports } = program;
      const upstreams = program.upstreams.map((upstream) => ({ ...upstream, protocol: "" }));
      site = await fabric.addWorkload({ namespace, name, ports, upstreams });
      sidecar = this.#sidecarOf(site, logs);
      await sidecar.start();
      return await this.#runProgram(site);
    } catch (error) {
      log.error(`run ${program.name}: ${errorLine(error)}`);
      return runFailedExitCode;
    } finally {
      await sidecar?.stop(sidecarGraceMs);
      await site?.remove();
      await fabric.close();
      logs.close();
    }
  }

  signal(signal: number): void {
    if (this.#launched === undefined) this.#early = signal;
    else this.#launched.kill(signal);
  }

  #sidecarOf(site: Site, logs: LogFiles): Restarter {
    const { fabric, program, dataDir, ads, env, clock, log, logFormat, logLevel, connect } = this.#options;
    const { serviceAccount, labels, ports } = program;
    return proxyProcess(
      site,
      { role: "sidecar", serviceAccount, labels, ports },
      {
        ...{ clock, log, ads, env, logFormat, logLevel },
        control: connect(fabric.control, dataDir),
        trustRootsPem: readFileSync(join(dataDir, "root.pem"), "utf8"),
        proxiesDir: join(dataDir, "proxies"),
        logOf: (name) => ({ fd: logs.descriptor(name), lastLine: () => logs.lastLine(name) }),
      },
    );
  }

  async #runProgram(site: Site): Promise<number> {
    const { program, env } = this.#options;
    const launched = site.launchProgram({
      argv: program.command,
      env: { ...env, ...site.environment, ...program.env },
      cwd: program.cwd,
      // In the terminal's foreground group, so that Ctrl-C and the like reach it as if weft were not there.
      ownSession: false,
    });
    this.#launched = launched;
    if (this.#early !== undefined) launched.kill(this.#early);
    return shellExitCode(await launched.exited);
  }
}
