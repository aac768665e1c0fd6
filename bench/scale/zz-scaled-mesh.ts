/** One control plane with a mesh of a size, and the process of simulated proxies beside it: each on its own core. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { usage, type Usage } from "../measure.ts";
import { weftProgram } from "../peers/weft-control.ts";
import { type Bench, type BenchProcess, freePort, loadCore, proxyCore } from "../processes.ts";
import { meshOf } from "./mesh.ts";
import { seedMesh } from "./seed.ts";
import { parseReport, type SimulatorOrder, type SimulatorReport } from "./simulator-protocol.ts";

/** Reading and compiling fifty thousand objects takes seconds. */
const startTimeoutMs = 60_000;

export class ScaledMesh {
  readonly #bench: Bench;
  readonly #dataDir: string;
  readonly #adsPort = freePort();
  readonly #apiPort = freePort();
  readonly #lifeMs: number;
  readonly #controlArguments: readonly string[];
  #control: BenchProcess | undefined;
  #simulator:
    | { readonly process: BenchProcess; readonly lines: ReturnType<BenchProcess["lines"]> }
    | undefined;

  /** `lifeMs`: after which the simulated proxies end by themselves. */
  constructor(
    bench: Bench,
    options: { readonly lifeMs: number; readonly controlArguments?: readonly string[] },
  ) {
    this.#bench = bench;
    this.#dataDir = join(bench.directory, "control");
    this.#lifeMs = options.lifeMs;
    this.#controlArguments = options.controlArguments ?? [];
    mkdirSync(this.#dataDir, { recursive: true });
  }

  /** The mesh's CA and first objects are made by the control plane itself, the rest is written while it is stopped. */
  async seed(proxies: number): Promise<void> {
    await this.startControl();
    await this.stopControl();
    await seedMesh(this.#dataDir, meshOf(proxies));
  }

  /** Returns how long it took until it listened, in ms. */
  async startControl(): Promise<number> {
    const startMs = performance.now();
    this.#control = this.#bench.start(proxyCore, [
      ...[join(import.meta.dir,"../../node_modules/bun/bin/bun.exe"), "--cpu-prof","--cpu-prof-md","--cpu-prof-dir=/tmp/prof","--no-env-file","--no-install", join(import.meta.dir,"../../src/cli/main.ts"), "control", "--data-dir", this.#dataDir, "--log-level", "warn"],
      ...["--api", `127.0.0.1:${this.#apiPort}`, "--ads", `127.0.0.1:${this.#adsPort}`],
      ...this.#controlArguments,
    ]);
    await this.#control.listening(this.#apiPort, "127.0.0.1", startTimeoutMs);
    return performance.now() - startMs;
  }

  async stopControl(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#control?.child.kill(signal);
    await this.#control?.child.exited;
  }

  usage(): Usage {
    return usage([this.#running().pid]);
  }

  get controlPid(): number {
    return this.#running().pid;
  }

  async startSimulator(proxies: number): Promise<void> {
    const settings = { proxies, port: this.#adsPort, dataDir: this.#dataDir, lifeMs: this.#lifeMs };
    const program = join(import.meta.dir, "simulator.ts");
    const process = this.#bench.start(loadCore, [Bun.argv[0] ?? "bun", program, JSON.stringify(settings)], {
      io: "pipe",
    });
    this.#simulator = { process, lines: process.lines() };
    await this.#report();
  }

  order(order: SimulatorOrder): Promise<SimulatorReport> {
    const input = this.#simulator?.process.child.stdin;
    if (typeof input !== "object") throw new Error("there is no simulator");
    void input.write(`${JSON.stringify(order)}\n`);
    void input.flush();
    return this.#report();
  }

  /** The control plane's own metrics: the sum of all samples of each name. */
  async metrics(): Promise<Map<string, number>> {
    const token = readFileSync(join(this.#dataDir, "token"), "utf8").trim();
    const response = await fetch(`http://127.0.0.1:${this.#apiPort}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const sums = new Map<string, number>();
    for (const line of (await response.text()).split("\n")) {
      const match = /^(?<name>weft_control_[a-z_]+)(\{[^}]*\})? (?<value>\S+)$/.exec(line)?.groups;
      const name = match?.["name"];
      if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(match?.["value"]));
    }
    return sums;
  }

  async #report(): Promise<SimulatorReport> {
    const line = await this.#simulator?.lines.next();
    if (line === undefined) throw new Error(`the simulator ended: ${this.#simulator?.process.lastWords()}`);
    return parseReport(line);
  }

  #running(): BenchProcess {
    if (this.#control === undefined) throw new Error("there is no control plane");
    return this.#control;
  }
}
