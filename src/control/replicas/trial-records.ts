/** What replicas tell each other of a configuration on trial: figures once for each, and of each proxy whether it concerns it and whether it has it. */
import type { RolloutFigures } from "../../api/index.ts";
import type { TrialRecord, TrialReport } from "../rollout/trial.ts";
import type { PresencePart, ProxyRecord, ReplicaRecord } from "./proxies-elsewhere.ts";

interface Told {
  readonly replica: ReplicaRecord;
  readonly proxies: readonly ProxyRecord[];
}

export function withTrial(told: Told, report: TrialReport | undefined): Told {
  if (report === undefined) return told;
  const { concerned, canaries, ...trial } = report;
  const [having, all] = [new Set(canaries), new Set(concerned)];
  const proxies = told.proxies.map((proxy): ProxyRecord => {
    if (!all.has(proxy.workload)) return proxy;
    return { ...proxy, trial: having.has(proxy.workload) ? "canary" : "concerned" };
  });
  return { replica: { ...told.replica, trial }, proxies };
}

/** Of one replica, in its parts; undefined: it tells of none, or in the words of another version. */
export function trialIn(parts: readonly PresencePart[]): TrialReport | undefined {
  const trial = parts[0]?.replica.trial;
  if (trial === undefined || !isTrial(trial)) return undefined;
  const proxies = parts.flatMap((part) => part.proxies);
  const names = (list: readonly ProxyRecord[]): string[] => list.map(({ workload }) => workload);
  return {
    ...trial,
    concerned: names(proxies.filter((proxy) => proxy.trial !== undefined)),
    canaries: names(proxies.filter((proxy) => proxy.trial === "canary")),
  };
}

function isTrial({ name, step, canary, others, before, recent }: Partial<TrialRecord>): boolean {
  const isNamed = typeof name === "string" && typeof step === "number" && Array.isArray(recent);
  return isNamed && [canary, others, before, ...recent].every(isFigures);
}

function isFigures(figures: Partial<RolloutFigures> | undefined): boolean {
  return [figures?.requests, figures?.failures, figures?.p99Ms].every((each) => typeof each === "number");
}
