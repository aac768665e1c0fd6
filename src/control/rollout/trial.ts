/** One configuration on trial at one control plane: which of its proxies it concerns, what they reported, and that of all control planes together. */
import type { RolloutFigures } from "../../api/index.ts";
import type { SubscriptionCore } from "../../distribute/index.ts";
import type { Clock } from "../../kernel/index.ts";
import type { CompiledSource } from "../compiled-source.ts";
import type { Evidence } from "./judge.ts";
import type { Overlay } from "./overlay.ts";
import type { FiguresOf } from "./rollout-figures.ts";
import { recentWindows } from "./windows.ts";

export interface Trial {
  readonly name: string;
  readonly overlay: Overlay;
  readonly source: CompiledSource;
  /** Proxies that the configuration concerns: connected now, or once while it was tried out. */
  readonly concerned: Set<string>;
  readonly sinceSequence: number;
  readonly sinceMs: number;
  /** How long each step is watched. */
  readonly watchMs: number;
  threshold: number;
  /** Of this process: the figures of a step are kept in memory. */
  stepStartMs: number;
  step: number;
}

/** Connected proxies of one control plane. */
export interface TrialProxies {
  /** Those that it concerns. */
  readonly concerned: readonly string[];
  /** Those of them that have it. */
  readonly canaries: readonly string[];
}

export interface TrialFigures {
  readonly step: number;
  readonly canary: RolloutFigures;
  readonly others: RolloutFigures;
  readonly before: RolloutFigures;
  /** Of `canary`, in the last windows of the step, newest first. */
  readonly recent: readonly RolloutFigures[];
  /** Why one of its proxies could not take it; absent: all took it. */
  readonly rejection?: string;
}

/** The same with the rollout's name. */
export interface TrialRecord extends TrialFigures {
  readonly name: string;
}

/** What one control plane tells the others of its part. */
export interface TrialReport extends TrialProxies, TrialRecord {}

export interface TrialSenses {
  readonly core: SubscriptionCore;
  readonly clock: Clock;
  readonly figuresOf: FiguresOf;
  /** Of the slots that figures are kept in. */
  readonly slotMs: number;
  readonly reportIntervalMs: () => number;
}

const noFigures: RolloutFigures = { requests: 0, failures: 0, p99Ms: 0 };
/** A tail of fewer requests is one unlucky client's. */
const minRequestsForTail = 50;

export function proxiesOf(trial: Trial, core: SubscriptionCore): TrialProxies {
  const concerned = core.statuses().filter(({ identity }) => trial.concerned.has(identity.workload));
  const names = (list: typeof concerned): string[] => list.map(({ identity }) => identity.workload);
  return { concerned: names(concerned), canaries: names(concerned.filter(({ isOnTrial }) => isOnTrial)) };
}

export function observe(
  trial: Trial,
  { core, clock, figuresOf, slotMs, reportIntervalMs }: TrialSenses,
): TrialReport {
  const { concerned, canaries } = proxiesOf(trial, core);
  const having = new Set(canaries);
  const isCanary = (workload: string): boolean => having.has(workload);
  const isOther = (workload: string): boolean => trial.concerned.has(workload) && !having.has(workload);
  const nowMs = clock.nowMs();
  const rejected = core
    .statuses()
    .find(({ isOnTrial, rejection }) => isOnTrial && (rejection?.sequence ?? 0) > trial.sinceSequence);
  // What was on its way when the step began was reported after it and belongs to the time before.
  const intervalMs = reportIntervalMs();
  const fromMs = Math.min(nowMs, trial.stepStartMs + intervalMs);
  const now = { fromMs, toMs: nowMs };
  const { watchMs } = trial;
  const windows = recentWindows({ nowMs, sinceMs: fromMs, watchMs, reportIntervalMs: intervalMs, slotMs });
  const past = { fromMs: trial.stepStartMs - (nowMs - fromMs), toMs: trial.stepStartMs };
  return {
    ...{ name: trial.name, step: trial.step, concerned, canaries },
    ...{ canary: figuresOf(now, isCanary), others: figuresOf(now, isOther) },
    // Of a later step the time before is one in which some of them had it already: only the first is clean.
    before: trial.step === 0 ? figuresOf(past, isCanary) : noFigures,
    recent: windows.map((window) => figuresOf(window, isCanary)),
    ...(rejected === undefined
      ? {}
      : { rejection: `${rejected.identity.workload}: ${rejected.rejection?.message ?? ""}` }),
  };
}

/** What all control planes saw of the same step. One that is not there yet has nothing to say. */
export function together(
  reports: readonly TrialFigures[],
  step: number,
): Omit<Evidence, "elapsedMs" | "watchMs"> {
  const same = reports.filter((report) => report.step === step);
  const windows = Math.max(0, ...same.map(({ recent }) => recent.length));
  return {
    canary: sumOf(same.map(({ canary }) => canary)),
    others: sumOf(same.map(({ others }) => others)),
    before: sumOf(same.map(({ before }) => before)),
    recent: Array.from({ length: windows }, (_, index) =>
      sumOf(same.flatMap(({ recent }) => recent[index] ?? [])),
    ),
    rejection: same.find(({ rejection }) => rejection !== undefined)?.rejection,
  };
}

/** Tails cannot be added: the worst of those that are told from enough requests counts, for either group. */
function sumOf(figures: readonly RolloutFigures[]): RolloutFigures {
  const sure = figures.filter(({ requests }) => requests >= minRequestsForTail);
  return {
    requests: figures.reduce((sum, { requests }) => sum + requests, 0),
    failures: figures.reduce((sum, { failures }) => sum + failures, 0),
    p99Ms: Math.max(0, ...(sure.length > 0 ? sure : figures).map(({ p99Ms }) => p99Ms)),
  };
}
