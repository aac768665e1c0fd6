/**
 * Configurations that are tried out: what stands in the store is what is done, so a restart, or another control plane that
 * watches the same store, goes on where it was. One at a time.
 *
 *   Watching --judged good at the last step, or `promote`--> Promoted
 *            --judged bad, or a proxy rejects it--> WentBack
 *            --`abort`--> Aborted      --the objects were changed by somebody else--> Stopped
 */
import { type ConfigRollout, isKindName, keyOf, type Stored } from "../../api/index.ts";
import type { RolloutCandidate, RolloutCommit, RolloutProviders } from "../../apiserver/index.ts";
import { errorLine, secondsText, type Timer, Turns, WeftError } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { CompiledSource } from "../compiled-source.ts";
import { drawOf, thresholdFor } from "./draw.ts";
import { judge, type Verdict } from "./judge.ts";
import { Overlay } from "./overlay.ts";
import {
  activeIn,
  nextName,
  rolloutsIn,
  stateOf,
  type StoredRollout,
  triedObjects,
  writeRollout,
} from "./rollout-records.ts";
import type { RolloutsOptions } from "./rollouts-options.ts";
import { observe, proxiesOf, together, type Trial, type TrialReport } from "./trial.ts";

/** As often as proxies report at the most. */
const judgeEveryMs = 5_000;
/** Other control planes have told of their proxies by then, or are not able to. */
const hearMs = 10_000;

type Ending = Exclude<ConfigRollout["status"]["phase"], "Watching">;
type Figures = Pick<ConfigRollout["status"], "canary" | "others" | "before">;

export class Rollouts implements RolloutProviders {
  readonly #options: RolloutsOptions;
  readonly #unwatch: () => void;
  #trial: Trial | undefined;
  #commit: RolloutCommit | undefined;
  #timer: Timer | undefined;
  /** Of this control plane's part, for the others. */
  #report: TrialReport | undefined;
  #live: Figures = {};
  /** Decisions come one after another: a tick in the middle of a promotion must not decide again. */
  readonly #decisions = new Turns();
  #isClosed = false;

  constructor(options: RolloutsOptions) {
    this.#options = options;
    const { store } = options;
    this.#reconcile();
    const unwatch = store.watch(store.sequence, (events) => {
      if (events.some(({ key }) => key.kind === "ConfigRollout")) this.#reconcile();
    });
    if (unwatch === "gone")
      throw new WeftError("internal", "the store cannot be watched from its newest state");
    this.#unwatch = unwatch;
  }

  /** Whoever can commit; until then nothing is promoted. */
  onCommit(commit: RolloutCommit): void {
    this.#commit = commit;
  }

  /** What this control plane has to tell of the one under way; undefined: nothing. */
  get report(): TrialReport | undefined {
    return this.#report;
  }

  /** Newest first; the one under way with the figures of now. */
  list(): ConfigRollout[] {
    return rolloutsIn(this.#options.store).map(({ status, ...rollout }) => ({
      ...rollout,
      status:
        status.phase === "Watching" ? { ...status, ...this.#live, proxies: this.#canaries().length } : status,
    }));
  }

  /** Throws `conflict` where one is under way, `bad_input` where the objects would not compile. */
  async start(candidate: RolloutCandidate): Promise<string> {
    const { store, clock } = this.#options;
    if (this.#options.elsewhere?.().isMixed === true) {
      throw new WeftError(
        "conflict",
        "control planes of different versions do not try out a configuration together",
        {
          hint: "finish the upgrade first; weft plan and apply --max-blast-radius work meanwhile",
        },
      );
    }
    const running = activeIn(store);
    if (running !== undefined) {
      throw new WeftError("conflict", `${running.metadata.name} is under way`, {
        hint: "wait for its end, or weft rollout promote or abort it",
      });
    }
    const now = secondsText(clock.nowMs());
    const { objects, changes, steps, watchSeconds, author, message, sourceCommit } = candidate;
    const name = nextName(store);
    const rollout: ConfigRollout = {
      apiVersion: "weft.dev/v1alpha1",
      kind: "ConfigRollout",
      metadata: { name },
      spec: {
        ...{ objects, changes, steps, watchSeconds, author, message },
        base: candidate.keys.map((key) => ({ ...key, state: stateOf(store.get(key)) })),
        baseRevision: store.revision,
        ...(sourceCommit === undefined ? {} : { sourceCommit }),
      },
      status: {
        ...{
          phase: "Watching",
          step: 0,
          threshold: 0,
          startedAt: now,
          stepStartedAt: now,
        },
        ...{ reason: "it begins", proxies: 0 },
      },
    };
    this.#refuseQuarantined(rollout);
    await writeRollout(store, rollout, "");
    // The watch tells of it too; whoever began it finds it begun.
    this.#reconcile();
    await this.#decisions.take(() => this.#place());
    return name;
  }

  /** Commits it now, whatever the figures say. Throws `not_found`, `conflict`. */
  async promote(name: string): Promise<number> {
    let revision = 0;
    await this.#decisions.take(async () => {
      revision = await this.#promote(this.#named(name), "promoted by hand");
    });
    return revision;
  }

  /** Throws `not_found`. */
  async abort(name: string, by: string): Promise<void> {
    await this.#decisions.take(() => this.#end(this.#named(name), "Aborted", `aborted by ${by}`));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#unwatch();
    await this.#decisions.take(async () => {});
    this.#trial?.overlay.close();
  }

  #named(name: string): StoredRollout {
    const running = activeIn(this.#options.store);
    if (running?.metadata.name === name) return running;
    throw new WeftError("not_found", `no rollout ${name} is under way`);
  }

  #refuseQuarantined(rollout: ConfigRollout): void {
    const objects = this.#tried(rollout);
    const overlay = this.#overlay(objects);
    try {
      const broken = objects.filter((object) => overlay.compiler.isQuarantined(keyOf(object)));
      if (broken.length === 0) return;
      throw new WeftError("bad_input", "what does not compile is not tried out", {
        issues: broken.map((object) => ({
          path: `objects[${objects.indexOf(object)}]`,
          message: `${object.kind} ${object.metadata.name} would be quarantined; weft apply --dry-run and weft plan say why`,
        })),
      });
    } finally {
      overlay.close();
    }
  }

  #tried(rollout: ConfigRollout): Stored[] {
    const { store, clock } = this.#options;
    return triedObjects(rollout, (key) => store.get(key), clock.nowMs());
  }

  #overlay(objects: readonly Stored[]): Overlay {
    const { configuration, registry, trustDomain, trustRoots } = this.#options;
    return new Overlay({ configuration, registry, trustDomain, trustRoots, objects });
  }

  /** Undefined where it cannot be read: nobody gets it, and whoever looks at it can abort it. */
  #overlayOf(running: StoredRollout): Overlay | undefined {
    try {
      return this.#overlay(this.#tried(running));
    } catch (error) {
      const { name } = running.metadata;
      this.#options.log.error("a canary cannot be read and goes to nobody", {
        canary: name,
        error: errorLine(error),
      });
      return undefined;
    }
  }

  /** Makes proxies get what the store says. */
  #reconcile(): void {
    if (this.#isClosed) return;
    const { store, core, clock } = this.#options;
    const running = activeIn(store);
    if (this.#trial !== undefined && this.#trial.name !== running?.metadata.name) {
      core.setTrial(undefined);
      this.#trial.overlay.close();
      this.#trial = undefined;
      this.#report = undefined;
      this.#live = {};
    }
    if (running === undefined) return;
    const { step, threshold } = running.status;
    if (this.#trial === undefined) {
      const overlay = this.#overlayOf(running);
      if (overlay === undefined) return;
      this.#trial = {
        ...{
          name: running.metadata.name,
          overlay,
          source: new CompiledSource(overlay),
          concerned: new Set(),
        },
        ...{ sinceSequence: core.sequence, threshold: -1, step, stepStartMs: clock.nowMs() },
        ...{ sinceMs: clock.nowMs(), watchMs: running.spec.watchSeconds * 1_000 },
      };
      void this.#decisions.take(() => this.#look()).catch(() => {});
      this.#timer ??= clock.after(judgeEveryMs, () => this.#tick());
    }
    const trial = this.#trial;
    if (trial.step !== step) Object.assign(trial, { step, stepStartMs: clock.nowMs() });
    if (trial.threshold === threshold) return;
    // Who has it from now on is judged from now on, whichever control plane it is at.
    Object.assign(trial, { threshold, stepStartMs: clock.nowMs() });
    core.setTrial({ source: trial.source, isChosen: (workload) => drawOf(workload, trial.name) < threshold });
  }

  #tick(): void {
    this.#timer = undefined;
    void this.#decisions
      .take(() => this.#judge())
      .catch((error: unknown) => {
        this.#options.log.warn("a canary could not be judged; trying again", { error: errorLine(error) });
      });
    if (!this.#isClosed && this.#trial !== undefined)
      this.#timer = this.#options.clock.after(judgeEveryMs, () => this.#tick());
  }

  async #judge(): Promise<void> {
    if (this.#isClosed) return;
    await this.#place();
    const running = activeIn(this.#options.store);
    const trial = this.#trial;
    if (trial === undefined || trial.name !== running?.metadata.name || !this.#isJudge()) return;
    const verdict = this.#verdict(trial);
    if (verdict.what === "back") return this.#end(running, "WentBack", verdict.reason);
    if (verdict.what === "watch") return;
    if (running.status.step + 1 < running.spec.steps.length) return this.#nextStep(running, verdict.reason);
    await this.#promote(running, verdict.reason);
  }

  #isJudge(): boolean {
    return this.#options.isJudge?.() !== false;
  }

  /** What of it is to be seen here, and with what the others tell. */
  async #look(): Promise<void> {
    const trial = this.#trial;
    if (trial === undefined || this.#isClosed) return;
    const { core } = this.#options;
    const touched = await core.touchedBy(trial.source, () => new Promise((resolve) => setImmediate(resolve)));
    for (const workload of touched) trial.concerned.add(workload);
    if (this.#trial !== trial) return;
    this.#report = observe(trial, this.#options);
    const { canary, others, before } = together([this.#report, ...this.#elsewhere(trial)], trial.step);
    this.#live = { canary, others, before };
  }

  #elsewhere({ name }: Trial): readonly TrialReport[] {
    return this.#options.elsewhere?.().reports.filter((report) => report.name === name) ?? [];
  }

  /** Sees to it that at least one of the proxies that it concerns has it, once there are such. */
  async #place(): Promise<void> {
    await this.#look();
    const trial = this.#trial;
    if (trial === undefined || !this.#isJudge()) return;
    const { store, clock } = this.#options;
    const running = activeIn(store);
    if (running?.metadata.name !== trial.name || this.#canaries().length > 0) return;
    if (!this.#hasHeardAll(trial) && clock.nowMs() - trial.sinceMs < hearMs) return;
    const threshold = this.#thresholdOf(running, running.status.step);
    if (threshold <= running.status.threshold) return;
    trial.stepStartMs = clock.nowMs();
    await this.#write(running, {
      threshold,
      stepStartedAt: secondsText(clock.nowMs()),
      reason: "it is watched",
    });
  }

  #hasHeardAll(trial: Trial): boolean {
    return this.#elsewhere(trial).length >= (this.#options.elsewhere?.().replicas ?? 0);
  }

  #thresholdOf({ spec }: StoredRollout, step: number): number {
    const trial = this.#trial;
    if (trial === undefined) return 0;
    const own = proxiesOf(trial, this.#options.core);
    const concerned = [own, ...this.#elsewhere(trial)].flatMap((part) => part.concerned);
    return thresholdFor((spec.steps[step] ?? 0) / 100, [...new Set(concerned)], trial.name);
  }

  /** Connected proxies that it concerns and that have it, here and elsewhere. */
  #canaries(): string[] {
    const trial = this.#trial;
    if (trial === undefined) return [];
    const own = proxiesOf(trial, this.#options.core);
    return [...new Set([own, ...this.#elsewhere(trial)].flatMap((part) => part.canaries))];
  }

  #verdict(trial: Trial): Verdict {
    const evidence = together([observe(trial, this.#options), ...this.#elsewhere(trial)], trial.step);
    const elapsedMs = this.#options.clock.nowMs() - trial.stepStartMs;
    const verdict = judge({ ...evidence, elapsedMs, watchMs: trial.watchMs });
    const isDeaf = verdict.what === "go" && !this.#hasHeardAll(trial);
    return isDeaf
      ? { what: "watch", reason: "another control plane has not told what its proxies see" }
      : verdict;
  }

  async #nextStep(running: StoredRollout, reason: string): Promise<void> {
    const step = running.status.step + 1;
    const threshold = Math.max(running.status.threshold, this.#thresholdOf(running, step));
    const stepStartedAt = secondsText(this.#options.clock.nowMs());
    await this.#write(running, { step, threshold, stepStartedAt, reason });
  }

  async #promote(running: StoredRollout, reason: string): Promise<number> {
    const { store } = this.#options;
    const changed = running.spec.base.find(({ state, ...key }) => stateOf(baseObject(store, key)) !== state);
    if (changed !== undefined || this.#commit === undefined) {
      const what =
        changed === undefined
          ? "nothing can be committed here"
          : `${changed.kind} ${changed.name} was changed meanwhile`;
      await this.#end(running, "Stopped", what);
      throw new WeftError("conflict", `${running.metadata.name} has stopped: ${what}`);
    }
    let revision: number;
    try {
      revision = await this.#commit(running);
    } catch (error) {
      await this.#end(running, "Stopped", `it could not be committed: ${errorLine(error)}`);
      throw error;
    }
    await this.#end(running, "Promoted", reason, revision);
    return revision;
  }

  async #end(running: StoredRollout, phase: Ending, reason: string, revision?: number): Promise<void> {
    const { clock, log } = this.#options;
    const proxies = this.#canaries().length;
    await this.#write(running, {
      ...{ phase, reason, proxies, endedAt: secondsText(clock.nowMs()), ...this.#live },
      ...(revision === undefined ? {} : { revision }),
    });
    const say = phase === "Promoted" || phase === "Aborted" ? "info" : "warn";
    log[say]("a canary has ended", { canary: running.metadata.name, phase, reason, revision });
  }

  async #write(running: StoredRollout, change: Partial<ConfigRollout["status"]>): Promise<void> {
    const { store } = this.#options;
    const status = { ...running.status, proxies: this.#canaries().length, ...change };
    const spec = status.phase === "Watching" ? running.spec : { ...running.spec, objects: [] };
    await writeRollout(store, { ...running, spec, status }, running.metadata.resourceVersion);
    this.#reconcile();
  }
}

function baseObject(
  store: Store,
  { kind, namespace, name }: { readonly kind: string; readonly namespace: string; readonly name: string },
): Stored | undefined {
  return isKindName(kind) ? store.get({ kind, namespace, name }) : undefined;
}
