/** Golden signals of one service or workload, or of the whole mesh, over time, in groups: what charts are drawn from. */
import type { Aggregator } from "../aggregator.ts";
import type { Series } from "../series.ts";
import type { RollingWindow } from "../window/rolling-window.ts";
import { Figures, withoutDoubles } from "./figures.ts";

export const signalGroupings = [
  "version",
  "route",
  "source",
  "destination",
  "code",
  "workload",
  "reason",
] as const;
export type SignalGrouping = (typeof signalGroupings)[number];

export interface SignalsQuery {
  /** "namespace/name"; of a service or of a workload. Default: the whole mesh, each request counted once. */
  readonly of?: { readonly service: string } | { readonly workload: string } | undefined;
  /** Default: inbound, what came to it. Of the whole mesh it only says whose name groups by workload have. */
  readonly direction?: "inbound" | "outbound" | undefined;
  readonly route?: string | undefined;
  readonly source?: string | undefined;
  /** Default: a quarter of an hour before the end. */
  readonly fromMs?: number | undefined;
  /** Default: now. */
  readonly toMs?: number | undefined;
  /** Default: so that there are at most 120 points. At least a slot. */
  readonly stepMs?: number | undefined;
  readonly by?: SignalGrouping | undefined;
}

export interface SignalFigures {
  readonly count: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface SignalGroup {
  readonly key: string;
  readonly points: (SignalFigures & { readonly timeMs: number })[];
  readonly totals: SignalFigures;
}

export interface Signals {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly from: "window" | "prometheus";
  readonly groups: SignalGroup[];
}

export const maxGroups = 50;
export const maxPoints = 1_000;
const defaultPoints = 120;
const defaultSpanMs = 900_000;
/** The key of the only group where none were asked for, and of those that are too many. */
export const allKey = "all";
export const otherKey = "other";

export function signals(aggregator: Aggregator, query: SignalsQuery, nowMs: number): Signals {
  const window = isDetailed(query) ? aggregator.detail : aggregator.services;
  const frame = frameOf(query, { nowMs, slotMs: window.slotMs });
  const isWanted = wantedBy(query, (workload) => aggregator.groupOf(workload));
  return { ...frame, from: "window", groups: signalGroups(collect(window, frame, isWanted), frame, query) };
}

/** Whether it needs each workload; else services are enough. */
export function isDetailed({ of, by }: SignalsQuery): boolean {
  return by === "workload" || (of !== undefined && "workload" in of);
}

/** `sums`: what the query is about, in steps of the frame. */
export function signalGroups(
  sums: ReadonlyMap<Series, (Figures | undefined)[]>,
  frame: SignalFrame,
  query: SignalsQuery,
): SignalGroup[] {
  const groups = new Map<string, Figures[]>();
  for (const [series, steps] of withoutDoubles(sums)) mergeSteps(groups, keyOf(series, query), steps);
  return bounded(groups).map((group) => toGroup(group, frame));
}

export interface SignalFrame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** In whole slots; the step grows where there would be too many points. */
export function frameOf(
  query: SignalsQuery,
  { nowMs, slotMs }: { nowMs: number; slotMs: number },
): SignalFrame {
  const toMs = Math.ceil(Math.min(query.toMs ?? nowMs, nowMs) / slotMs) * slotMs;
  const fromMs = Math.min(
    Math.floor((query.fromMs ?? toMs - defaultSpanMs) / slotMs) * slotMs,
    toMs - slotMs,
  );
  const lengthMs = toMs - fromMs;
  const wanted = query.stepMs ?? lengthMs / defaultPoints;
  const stepMs = Math.ceil(Math.max(wanted, lengthMs / maxPoints, slotMs) / slotMs) * slotMs;
  return { fromMs, toMs, stepMs };
}

export function wantedBy(
  query: SignalsQuery,
  groupOf: (workload: string) => string,
): (series: Series) => boolean {
  const { of, direction = "inbound", route, source } = query;
  return (series) => {
    if (route !== undefined && series.route !== route) return false;
    const [from, to] = [series.sourceWorkload, series.destinationWorkload];
    if (source !== undefined && from !== source && groupOf(from) !== source) return false;
    const end = direction === "inbound" ? to : from;
    if (of === undefined) return true;
    if ("workload" in of) return end === of.workload;
    if (end === of.service || groupOf(end) === of.service) return true;
    return direction === "inbound" && series.destinationService === of.service;
  };
}

function collect(
  window: RollingWindow<Series>,
  { fromMs, toMs, stepMs }: SignalFrame,
  isWanted: (series: Series) => boolean,
): Map<Series, Figures[]> {
  const sums = new Map<Series, Figures[]>();
  window.read({ fromMs, toMs, coveredMs: toMs - fromMs }, (series, cell, startMs) => {
    if (!isWanted(series)) return;
    const steps = sums.get(series) ?? [];
    sums.set(series, steps);
    const step = Math.floor((startMs - fromMs) / stepMs);
    (steps[step] ??= new Figures()).add(series, cell);
  });
  return sums;
}

function keyOf(series: Series, { by, direction = "inbound" }: SignalsQuery): string {
  switch (by) {
    case undefined:
      return allKey;
    case "version":
      return series.destinationVersion;
    case "route":
      return series.route;
    case "source":
      return series.sourceWorkload === "" ? "unknown" : series.sourceWorkload;
    case "destination":
      return series.destinationWorkload === "" ? "unknown" : series.destinationWorkload;
    case "workload": {
      const workload = direction === "inbound" ? series.destinationWorkload : series.sourceWorkload;
      return workload === "" ? "unknown" : workload;
    }
    case "code":
      if (series.grpcStatus > 0) return `grpc ${series.grpcStatus - 1}`;
      return series.responseCode > 0 ? String(series.responseCode) : series.responseClass;
    case "reason":
      return series.reason;
  }
}

/** `steps` has holes where nothing was counted. */
function mergeSteps(
  groups: Map<string, Figures[]>,
  key: string,
  steps: readonly (Figures | undefined)[],
): void {
  const group = groups.get(key) ?? [];
  groups.set(key, group);
  for (const [index, figures] of steps.entries()) {
    if (figures !== undefined) (group[index] ??= new Figures()).merge(figures);
  }
}

type StepsOfGroup = readonly [key: string, steps: readonly (Figures | undefined)[]];

/** The busiest first; those that are too many are one. */
function bounded(groups: ReadonlyMap<string, Figures[]>): StepsOfGroup[] {
  const weight = ([, steps]: StepsOfGroup): number =>
    steps.reduce((sum, step) => sum + (step?.count ?? 0), 0);
  const sorted = [...groups].toSorted((a, b) => weight(b) - weight(a) || (a[0] < b[0] ? -1 : 1));
  if (sorted.length <= maxGroups) return sorted;
  const rest = new Map<string, Figures[]>();
  for (const [, steps] of sorted.slice(maxGroups - 1)) mergeSteps(rest, otherKey, steps);
  return [...sorted.slice(0, maxGroups - 1), ...rest];
}

function toGroup([key, steps]: StepsOfGroup, { fromMs, toMs, stepMs }: SignalFrame): SignalGroup {
  const all = new Figures();
  const points = Array.from({ length: Math.ceil((toMs - fromMs) / stepMs) }, (_, index) => {
    const figures = steps[index] ?? nothing;
    all.merge(figures);
    return { timeMs: fromMs + index * stepMs, ...toFigures(figures) };
  });
  return { key, points, totals: toFigures(all) };
}

const nothing = new Figures();

function toFigures(figures: Figures): SignalFigures {
  const { count, failures, requestBytes, responseBytes } = figures;
  return {
    ...{ count, failures, requestBytes, responseBytes },
    p50Ms: figures.quantileMs(0.5),
    p90Ms: figures.quantileMs(0.9),
    p99Ms: figures.quantileMs(0.99),
  };
}
