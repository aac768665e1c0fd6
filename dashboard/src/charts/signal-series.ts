/** Signals as lines of a chart: steps of time, rates, shares and durations, with gaps where nothing was asked. */
import { meshPath, withQuery } from "../api/fetch-json.ts";
import type { SignalGroup, SignalsDocument } from "../api/documents.ts";

export type Line = readonly (number | null)[];

export interface SignalQuery {
  readonly service?: string;
  readonly direction?: "inbound" | "outbound";
  readonly by?: "version" | "code" | "route" | "reason";
}

/** The control plane's slots are of 10 s; no more points than a chart has room for. */
function stepMsOf(windowSeconds: number): number {
  return windowSeconds > 1_800 ? 30_000 : 10_000;
}

/** Whole steps, so that points stand still while time goes on. */
export function signalsPath(query: SignalQuery, windowSeconds: number, nowMs: number): string {
  const stepMs = stepMsOf(windowSeconds);
  const toMs = Math.floor(nowMs / stepMs) * stepMs;
  return withQuery(`${meshPath}/signals`, { ...query, fromMs: toMs - windowSeconds * 1000, toMs, stepMs });
}

export function signalsSource(
  query: SignalQuery,
  windowSeconds: number,
): { readonly key: string; readonly path: () => string } {
  const key = `signals ${windowSeconds} ${JSON.stringify(query)}`;
  return { key, path: () => signalsPath(query, windowSeconds, Date.now()) };
}

/** In seconds, as uPlot wants them. */
export function timesOf(document: SignalsDocument): readonly number[] {
  return document.groups[0]?.points.map(({ timeMs }) => timeMs / 1000) ?? [];
}

export function rateLine({ points }: SignalGroup, stepMs: number): Line {
  return points.map(({ count }) => count / (stepMs / 1000));
}

export function errorLine({ points }: SignalGroup): Line {
  return points.map(({ count, failures }) => (count === 0 ? null : failures / count));
}

export function durationLine({ points }: SignalGroup, quantile: "p50Ms" | "p90Ms" | "p99Ms"): Line {
  return points.map((point) => (point.count === 0 ? null : point[quantile]));
}

export interface Summary {
  readonly perSecond: number;
  readonly errorShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Of everything in the window. */
export function summaryOf({ totals }: SignalGroup, windowMs: number): Summary {
  const { count, failures, p50Ms, p99Ms } = totals;
  return {
    perSecond: count / (windowMs / 1000),
    errorShare: count === 0 ? 0 : failures / count,
    p50Ms: count === 0 ? Number.NaN : p50Ms,
    p99Ms: count === 0 ? Number.NaN : p99Ms,
  };
}

/** What is said of a line to those who do not see it. */
export function describeLine(label: string, line: Line, format: (value: number) => string): string {
  const values = line.filter((value) => value !== null);
  if (values.length === 0) return `${label}: nothing in this window`;
  const last = values.at(-1) ?? 0;
  return `${label}: now ${format(last)}, between ${format(Math.min(...values))} and ${format(Math.max(...values))}`;
}
