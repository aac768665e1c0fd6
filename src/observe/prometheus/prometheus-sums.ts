/** Golden signals as Prometheus has them, in the form of the window's own sums: so that the same views are made of them. */
import { bucketOf } from "../../kernel/index.ts";
import type { Series } from "../series.ts";
import { Figures } from "../views/figures.ts";
import { bucketBound, prometheusNames } from "./metric-names.ts";
import type { PrometheusClient, PrometheusSeries } from "./prometheus-client.ts";

const { metrics, labels } = prometheusNames;
type Direction = "outbound" | "inbound";
const directions: readonly Direction[] = ["outbound", "inbound"];

/** Increases over a window that ends at a moment. */
export interface WindowQuestion {
  readonly windowSeconds: number;
  readonly endSeconds: number;
}

/** In steps from a moment on. */
export interface StepsQuestion {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** Rejects as PrometheusClient does. */
export async function prometheusSums(
  client: PrometheusClient,
  { windowSeconds, endSeconds }: WindowQuestion,
): Promise<Map<Series, Figures>> {
  const ask = (query: string): Promise<PrometheusSeries[]> => client.at(query, endSeconds);
  const steps = await collect(ask, windowSeconds, () => 0);
  return new Map([...steps].map(([series, [figures]]) => [series, figures ?? new Figures()] as const));
}

/** Rejects as PrometheusClient does. */
export async function prometheusSteps(
  client: PrometheusClient,
  { fromMs, toMs, stepMs }: StepsQuestion,
): Promise<Map<Series, (Figures | undefined)[]>> {
  const stepSeconds = stepMs / 1_000;
  // An increase is over what was before its moment.
  const range = { startSeconds: fromMs / 1_000 + stepSeconds, endSeconds: toMs / 1_000, stepSeconds };
  const ask = (query: string): Promise<PrometheusSeries[]> => client.over(query, range);
  return collect(ask, stepSeconds, (timeSeconds) =>
    Math.round((timeSeconds - range.startSeconds) / stepSeconds),
  );
}

async function collect(
  ask: (query: string) => Promise<PrometheusSeries[]>,
  seconds: number,
  stepOf: (timeSeconds: number) => number,
): Promise<Map<Series, (Figures | undefined)[]>> {
  const by = Object.values(labels).join(", ");
  const window = `[${Math.max(1, Math.round(seconds))}s]`;
  const known = new Map<string, { readonly series: Series; readonly steps: (Figures | undefined)[] }>();
  const stepsOf = (series: Series): (Figures | undefined)[] => {
    const key = JSON.stringify(series);
    const entry = known.get(key) ?? { series, steps: [] };
    known.set(key, entry);
    return entry.steps;
  };
  for (const direction of directions) {
    const name = metrics[direction];
    // oxlint-disable-next-line no-await-in-loop -- one question after the other: Prometheus is shared
    const [counts, buckets] = await Promise.all([
      ask(`sum by (${by}) (increase(${name}_count${window}))`),
      ask(`sum by (${by}, ${bucketBound}) (increase(${name}_bucket${window}))`),
    ]);
    for (const each of counts) {
      const series = seriesOf(direction, each.labels);
      for (const [time, value] of each.points) addCount(stepsOf(series), stepOf(time), series, value);
    }
    for (const [key, group] of Map.groupBy(buckets, (each) =>
      JSON.stringify(seriesOf(direction, each.labels)),
    )) {
      const steps = known.get(key)?.steps;
      if (steps !== undefined) addBuckets(steps, group, stepOf);
    }
  }
  return new Map([...known.values()].map(({ series, steps }) => [series, steps]));
}

function addCount(steps: (Figures | undefined)[], step: number, series: Series, value: number): void {
  // Prometheus extrapolates to the window's ends: its increases are no whole numbers.
  const count = Math.round(value);
  if (!Number.isSafeInteger(count) || count <= 0 || step < 0) return;
  const figures = steps[step] ?? new Figures();
  steps[step] = figures;
  figures.add(series, { count, requestBytes: 0, responseBytes: 0, sumUs: 0, mergeInto: () => {} });
}

/** Buckets of Prometheus hold all that is not above their bound; ours what is in them alone. */
function addBuckets(
  steps: readonly (Figures | undefined)[],
  group: readonly PrometheusSeries[],
  stepOf: (timeSeconds: number) => number,
): void {
  const sorted = group
    .map((each) => ({ each, boundUs: Number(each.labels[bucketBound]?.replace("+Inf", "Infinity")) * 1e6 }))
    .toSorted((a, b) => a.boundUs - b.boundUs);
  const below = new Map<number, number>();
  let lowerUs = 0;
  for (const { each, boundUs } of sorted) {
    // The middle, as near as a bucket lets one tell.
    const us = Number.isFinite(boundUs) ? (lowerUs + boundUs) / 2 : lowerUs;
    for (const [time, value] of each.points) {
      const step = stepOf(time);
      const count = Math.round(value - (below.get(step) ?? 0));
      below.set(step, Math.max(value, below.get(step) ?? 0));
      if (count > 0) steps[step]?.durations.add(bucketOf(us), count);
    }
    if (Number.isFinite(boundUs)) lowerUs = boundUs;
  }
}

function seriesOf(direction: Direction, found: Readonly<Record<string, string>>): Series {
  const text = (name: keyof typeof labels): string => found[labels[name]] ?? "";
  const responseCode = Number(text("responseCode")) || 0;
  const errorType = text("errorType");
  const grpcStatus = text("grpcStatus");
  return {
    direction,
    sourceWorkload: text("sourceWorkload"),
    sourceIdentity: "",
    sourceVersion: "",
    destinationWorkload: text("destinationWorkload"),
    destinationIdentity: "",
    destinationService: text("destinationService"),
    destinationPort: Number(text("destinationPort")) || 0,
    destinationVersion: text("destinationVersion"),
    route: text("route"),
    protocol: "http",
    responseClass: responseCode === 0 ? "" : `${Math.floor(responseCode / 100)}xx`,
    responseCode,
    grpcStatus: /^\d{1,3}$/.test(grpcStatus) ? Number(grpcStatus) + 1 : 0,
    // A status is no reason of its own.
    reason: /^\d+$/.test(errorType) ? "" : errorType,
    isMutualTls: text("mutualTls") === "true",
  };
}
