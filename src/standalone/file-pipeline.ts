/** From files to the agent: reads, admits, compiles, and says what is wrong with them. Files that cannot be used change nothing. */
import type { ApiObject } from "../api/index.ts";
import type { GatewayHost, KeySetChange } from "../compile/index.ts";
import { type Clock, errorLine, issueLine, type Log, WeftError } from "../kernel/index.ts";
import { SuppliedAgent, type SuppliedChange } from "../proxy/index.ts";
import { admitObjects } from "./admission.ts";
import { type AppliedChange, FileConfiguration, type FileConfigurationState } from "./file-configuration.ts";
import { fingerprint } from "./file-watch.ts";
import { GatewayFeed } from "./gateway-feed.ts";
import { gatewayWorkload } from "./gateway-host.ts";
import type { Pipeline } from "./pipeline.ts";
import type { FileSource } from "./source-object.ts";
import { statusProblems } from "./status-problems.ts";

/** A file that is no YAML at all has an issue on each line; a person starts with the first ones. */
const maxLoggedIssues = 20;

export interface FilePipelineOptions {
  readonly files: FileSource;
  /** Where Gateways are served: asked whenever the files are read. */
  readonly gatewayHost: () => GatewayHost;
  /** Resolves when those that carry traffic run the change. */
  readonly commit: (change: SuppliedChange) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export class FilePipeline implements Pipeline {
  readonly agent: SuppliedAgent;
  isFrozen = false;
  keySets: readonly KeySetChange[] = [];
  readonly #options: FilePipelineOptions;
  readonly #configuration = new FileConfiguration();
  readonly #feed: GatewayFeed;
  /** What was last said about files that cannot be used. */
  #lastTrouble = "";

  constructor(options: FilePipelineOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.agent = new SuppliedAgent(log);
    this.#feed = new GatewayFeed({
      configuration: this.#configuration,
      agent: this.agent,
      workload: gatewayWorkload,
      clock,
      log,
    });
  }

  get revision(): number {
    return this.#configuration.revision;
  }

  get wantedJwks(): ReadonlySet<string> {
    return this.#configuration.wantedJwks;
  }

  async load(): Promise<string> {
    const { files } = this.#options;
    const state = fingerprint(files.list);
    const applied = this.#apply(admitObjects(await files.read()));
    this.#feed.deliver();
    const problems = this.#tell(applied);
    if (this.agent.snapshot.gatewayPorts.length > 0) return state;
    throw new WeftError("bad_input", "no listener of the Gateways in the files can be served", {
      issues: problems.map((message) => ({ path: "", message })),
    });
  }

  async reload(): Promise<void> {
    const { files } = this.#options;
    const before = fingerprint(files.list);
    try {
      const objects = admitObjects(await files.read());
      // Changed while they were read, so perhaps half of one state and half of the next: the watch comes back.
      if (fingerprint(files.list) !== before || this.isFrozen) return;
      await this.#take(this.#apply(objects));
    } catch (error) {
      if (fingerprint(files.list) === before) this.#complain(error);
    }
  }

  save(): FileConfigurationState {
    return this.#configuration.save();
  }

  /** Instead of `load`. Nothing is told of what was told before. */
  restore(state: FileConfigurationState): void {
    this.#configuration.restore(state);
    this.#feed.deliver();
  }

  close(): void {
    this.agent.close();
    this.#feed.close();
  }

  #apply(objects: readonly ApiObject[]): AppliedChange {
    return this.#configuration.apply(objects, this.#options.gatewayHost(), this.keySets);
  }

  async #take(applied: AppliedChange): Promise<void> {
    const { log, commit } = this.#options;
    if (this.#lastTrouble !== "") log.info("the files can be used again");
    this.#lastTrouble = "";
    if (!applied.isNew) {
      log.debug("the files were read again; nothing in them has changed");
      return;
    }
    for (const change of this.#feed.deliver()) await commit(change);
    log.info("configuration changed", { revision: this.revision, objects: applied.changed });
    this.#tell(applied);
  }

  #tell({ statuses, defects }: AppliedChange): string[] {
    const { log } = this.#options;
    for (const defect of defects)
      log.error("a resource could not be compiled; the last one stays", { defect });
    const problems = statuses.flatMap(statusProblems);
    for (const problem of problems) log.warn(problem);
    return problems;
  }

  #complain(error: unknown): void {
    const { log } = this.#options;
    const issues = error instanceof WeftError ? error.issues : [];
    const lines = issues.length > 0 ? issues.map(issueLine) : [errorLine(error)];
    const trouble = lines.join("\n");
    if (trouble === this.#lastTrouble) return;
    this.#lastTrouble = trouble;
    const more = lines.length > maxLoggedIssues ? { more: lines.length - maxLoggedIssues } : {};
    const { revision } = this;
    log.error("the files cannot be used; the last good configuration stays", { revision, ...more });
    for (const line of lines.slice(0, maxLoggedIssues)) log.error(line);
  }
}
