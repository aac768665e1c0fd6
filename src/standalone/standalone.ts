/**
 * The composition root of `weft serve`: files -> admission -> compiler -> gateway, in one process. A change of the files is one
 * commit; files that cannot be used change nothing.
 *
 *   starting --listeners open--> serving --drain()--> draining --> stopped
 */
import { type Clock, errorLine, issueLine, type Log, systemClock, WeftError } from "../kernel/index.ts";
import { type GatewayListen, SuppliedAgent } from "../proxy/index.ts";
import { type Place, placeText } from "../workers/index.ts";
import { admitObjects } from "./admission.ts";
import { type AppliedChange, FileConfiguration } from "./file-configuration.ts";
import { FileWatch, fingerprint } from "./file-watch.ts";
import { GatewayFeed } from "./gateway-feed.ts";
import { type GatewayHost, gatewayWorkload, hostInProcess, hostInWorkers } from "./gateway-host.ts";
import type { FileSource } from "./source-object.ts";
import { statusProblems } from "./status-problems.ts";

export interface StandaloneOptions {
  readonly files: FileSource;
  readonly gateway: GatewayListen;
  /** Absent: not opened. */
  readonly admin?: Place;
  readonly health?: Place;
  /** Absent: this process carries the traffic itself. */
  readonly workers?: { readonly count: number; readonly command: (index: number) => readonly string[] };
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
  /** Reads the files again, changed or not. */
  reload(): void;
  /** Finishes what is in flight. Idempotent. */
  drain(): Promise<void>;
  close(): void;
}

/** A file that is no YAML at all has an issue on each line; a person starts with the first ones. */
const maxLoggedIssues = 20;

/** Resolves when all listeners are open. Throws WeftError; then nothing is left open. */
export async function startStandalone(options: StandaloneOptions): Promise<RunningStandalone> {
  const standalone = new Standalone(options);
  try {
    await standalone.start();
  } catch (error) {
    standalone.close();
    throw error;
  }
  return standalone;
}

class Standalone implements RunningStandalone {
  readonly #options: StandaloneOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #configuration = new FileConfiguration();
  readonly #agent: SuppliedAgent;
  readonly #feed: GatewayFeed;
  #host: GatewayHost | undefined;
  #watch: FileWatch | undefined;
  /** What was last said about files that cannot be used. */
  #lastTrouble = "";

  constructor(options: StandaloneOptions) {
    const { log, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#agent = new SuppliedAgent(log);
    this.#feed = new GatewayFeed({
      configuration: this.#configuration,
      agent: this.#agent,
      workload: gatewayWorkload,
      clock,
      log,
    });
  }

  async start(): Promise<void> {
    const { files, gateway, admin, health, workers } = this.#options;
    const before = fingerprint(files.list);
    const applied = this.#configuration.apply(admitObjects(await files.read()));
    this.#feed.deliver();
    const problems = this.#tell(applied);
    if (this.#agent.snapshot.gatewayPorts.length === 0) {
      throw new WeftError("bad_input", "no listener of the Gateways in the files can be served", {
        issues: problems.map((message) => ({ path: "", message })),
      });
    }
    const host = {
      agent: this.#agent,
      gateway,
      ...(admin === undefined ? {} : { admin }),
      ...(health === undefined ? {} : { health }),
      clock: this.#clock,
      log: this.#log,
    };
    this.#host = await (workers === undefined ? hostInProcess(host) : hostInWorkers({ ...host, ...workers }));
    this.#watch = new FileWatch(
      { paths: files.paths, list: files.list, clock: this.#clock, onChange: () => this.#read() },
      before,
    );
  }

  get gatewayUrl(): string {
    const [first] = this.listeners;
    return first === undefined ? "" : `http://${placeText(first)}`;
  }

  get listeners(): readonly Place[] {
    return this.#host?.listeners ?? [];
  }

  get admin(): Place | undefined {
    return this.#host?.admin;
  }

  get health(): Place | undefined {
    return this.#host?.health;
  }

  get revision(): number {
    return this.#configuration.revision;
  }

  reload(): void {
    this.#watch?.force();
  }

  async drain(): Promise<void> {
    this.#watch?.close();
    await this.#host?.drain();
    this.close();
  }

  close(): void {
    this.#watch?.close();
    this.#host?.close();
    this.#agent.close();
    this.#feed.close();
  }

  async #read(): Promise<void> {
    const { files } = this.#options;
    const before = fingerprint(files.list);
    try {
      const objects = admitObjects(await files.read());
      // Changed while they were read, so perhaps half of one state and half of the next: the watch comes back.
      if (fingerprint(files.list) !== before) return;
      await this.#take(this.#configuration.apply(objects));
    } catch (error) {
      if (fingerprint(files.list) === before) this.#complain(error);
    }
  }

  async #take(applied: AppliedChange): Promise<void> {
    if (this.#lastTrouble !== "") this.#log.info("the files can be used again");
    this.#lastTrouble = "";
    if (applied.changed === 0) {
      this.#log.debug("the files were read again; nothing in them has changed");
      return;
    }
    for (const change of this.#feed.deliver()) await this.#host?.commit(change);
    this.#log.info("configuration changed", { revision: this.revision, objects: applied.changed });
    this.#tell(applied);
  }

  #tell({ statuses, defects }: AppliedChange): string[] {
    for (const defect of defects) {
      this.#log.error("a resource could not be compiled; the last one stays", { defect });
    }
    const problems = statuses.flatMap(statusProblems);
    for (const problem of problems) this.#log.warn(problem);
    return problems;
  }

  #complain(error: unknown): void {
    const issues = error instanceof WeftError ? error.issues : [];
    const lines = issues.length > 0 ? issues.map(issueLine) : [errorLine(error)];
    const trouble = lines.join("\n");
    if (trouble === this.#lastTrouble) return;
    this.#lastTrouble = trouble;
    const more = lines.length > maxLoggedIssues ? { more: lines.length - maxLoggedIssues } : {};
    this.#log.error("the files cannot be used; the last good configuration stays", {
      revision: this.revision,
      ...more,
    });
    for (const line of lines.slice(0, maxLoggedIssues)) this.#log.error(line);
  }
}
