/** Views of golden signals made of what Prometheus has: the same documents as of the window. */
import type { Aggregator } from "../aggregator.ts";
import { foldSeries, type Series, seriesKey } from "../series.ts";
import { Figures, withoutDoubles } from "../views/figures.ts";
import {
  frameOf,
  isDetailed,
  signalGroups,
  type Signals,
  type SignalsQuery,
  wantedBy,
} from "../views/signals.ts";
import { type NodeNames, type Topology, topologyOf, type TopologyQuery } from "../views/topology.ts";
import type { PrometheusClient } from "./prometheus-client.ts";
import { prometheusSteps, prometheusSums } from "./prometheus-sums.ts";

/** Four scrapes of the usual interval: an increase over less says nothing. */
const minStepMs = 60_000;

/** What the views need besides: to which group a workload belongs. */
export type Groups = Pick<Aggregator, "groupOf">;

/** Rejects as PrometheusClient does; so do the others. */
export async function prometheusTopology(
  client: PrometheusClient,
  query: TopologyQuery,
  { groups, names, nowMs }: { readonly groups: Groups; readonly names: NodeNames; readonly nowMs: number },
): Promise<Topology> {
  const { windowSeconds } = query;
  const endTimeMs = Math.min(query.endMs ?? nowMs, nowMs);
  const isByService = query.by === "service";
  const found = await prometheusSums(client, { windowSeconds, endSeconds: endTimeMs / 1_000 });
  const sums = withoutDoubles(isByService ? foldToServices(found, groups) : found);
  const parts = topologyOf(sums, { seconds: windowSeconds, isByService, names, scope: query });
  return { windowSeconds, endTimeMs, from: "prometheus", ...parts };
}

export async function prometheusSignals(
  client: PrometheusClient,
  query: SignalsQuery,
  { groups, nowMs }: { readonly groups: Groups; readonly nowMs: number },
): Promise<Signals> {
  const frame = frameOf(query, { nowMs, slotMs: minStepMs });
  const isWanted = wantedBy(query, (workload) => groups.groupOf(workload));
  const sums = new Map<Series, (Figures | undefined)[]>();
  for (const [series, steps] of await prometheusSteps(client, frame)) {
    const shown = isDetailed(query) ? series : foldSeries(series, (workload) => groups.groupOf(workload));
    if (isWanted(shown)) sums.set(shown, steps);
  }
  return { ...frame, from: "prometheus", groups: signalGroups(sums, frame, query) };
}

/** At the level of services, without doubles. */
export async function prometheusServiceSums(
  client: PrometheusClient,
  windowSeconds: number,
  { groups, nowMs }: { readonly groups: Groups; readonly nowMs: number },
): Promise<(readonly [Series, Figures])[]> {
  const found = await prometheusSums(client, { windowSeconds, endSeconds: nowMs / 1_000 });
  return withoutDoubles(foldToServices(found, groups));
}

function foldToServices(sums: ReadonlyMap<Series, Figures>, groups: Groups): Map<Series, Figures> {
  const folds = new Map<string, readonly [Series, Figures]>();
  for (const [series, figures] of sums) {
    const folded = foldSeries(series, (workload) => groups.groupOf(workload));
    const key = seriesKey(folded);
    const fold = folds.get(key) ?? ([folded, new Figures()] as const);
    folds.set(key, fold);
    fold[1].merge(figures);
  }
  return new Map(folds.values());
}
