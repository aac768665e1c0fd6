/**
 * Who called whom in a window, folded from the series of both sides. Between two workloads of the mesh the caller's
 * report counts (it saw the failures that never arrived); the callee's is used where the caller has none.
 */
import { Histogram } from "../kernel/index.ts";
import type { Aggregator, CellOfSeries, WindowContent } from "./aggregator.ts";
import type { Series } from "./series.ts";

interface TopologyNode {
  /** "namespace/name"; "unknown" where there is no workload, "other" for what did not fit the budget. */
  readonly id: string;
  readonly kind: "workload" | "gateway" | "unknown";
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly version: string;
}

interface TopologyEdge {
  readonly source: string;
  readonly destination: string;
  readonly service: string;
  readonly port: number;
  readonly route: string;
  readonly protocol: "http" | "tcp";
  readonly isMutualTls: boolean;
  readonly count: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly classes: Record<string, number>;
  readonly reasons: { readonly reason: string; readonly count: number }[];
}

interface Topology {
  readonly windowSeconds: number;
  readonly endTimeMs: number;
  readonly nodes: TopologyNode[];
  readonly edges: TopologyEdge[];
}

/** The closed set of reason codes is smaller; a report's own text is not trusted to be. */
const maxReasons = 64;
const maxClasses = 16;

export function topology(
  aggregator: Aggregator,
  windowSeconds: number,
  isGateway: (workload: string) => boolean = () => false,
): Topology {
  const content = aggregator.window(windowSeconds * 1_000);
  const folds = foldEdges(content);
  const nodes = new Map<string, TopologyNode>();
  for (const fold of folds) {
    for (const node of [sourceNode(fold.series, isGateway), destinationNode(fold.series, isGateway)]) {
      const known = nodes.get(node.id);
      // The first that knows the version wins; a failed dial knows none.
      if (known === undefined || (known.version === "" && node.version !== "")) nodes.set(node.id, node);
    }
  }
  return {
    windowSeconds: Math.max(1, Math.round(content.coveredMs / 1_000)),
    endTimeMs: content.endMs,
    nodes: [...nodes.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    edges: folds.map((fold) => fold.toEdge(content.coveredMs / 1_000)).toSorted((a, b) => b.count - a.count),
  };
}

function foldEdges(content: WindowContent): EdgeFold[] {
  const reportedByCaller = new Set<string>();
  for (const { series } of content.cells) {
    if (series.direction === "outbound") reportedByCaller.add(pairKey(series));
  }
  const folds = new Map<string, EdgeFold>();
  for (const entry of content.cells) {
    if (entry.series.direction === "inbound" && reportedByCaller.has(pairKey(entry.series))) continue;
    const key = edgeKey(entry.series);
    const fold = folds.get(key) ?? new EdgeFold(entry.series);
    folds.set(key, fold);
    fold.add(entry);
  }
  return [...folds.values()];
}

function pairKey(series: Series): string {
  return `${series.sourceWorkload} ${series.destinationWorkload}`;
}

function edgeKey(series: Series): string {
  const { destinationService, destinationPort, route, protocol } = series;
  return JSON.stringify([
    nodeId(series.sourceWorkload),
    nodeId(series.destinationWorkload),
    destinationService,
    destinationPort,
    route,
    protocol,
  ]);
}

class EdgeFold {
  /** One of those folded: they differ in outcome only, and in the version, which a failed dial does not know. */
  series: Series;
  readonly #durations = new Histogram();
  readonly #classes = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  #count = 0;
  #failures = 0;
  #requestBytes = 0;
  #responseBytes = 0;
  #isMutualTls = true;

  constructor(series: Series) {
    this.series = series;
  }

  add({ series, cell }: CellOfSeries): void {
    if (this.series.destinationVersion === "" && series.destinationVersion !== "") this.series = series;
    this.#count += cell.count;
    this.#requestBytes += cell.requestBytes;
    this.#responseBytes += cell.responseBytes;
    if (isFailure(series)) this.#failures += cell.count;
    this.#isMutualTls &&= series.isMutualTls;
    cell.mergeInto(this.#durations);
    if (series.responseClass !== "") bump(this.#classes, series.responseClass, cell.count, maxClasses);
    if (series.reason !== "") bump(this.#reasons, series.reason, cell.count, maxReasons);
  }

  toEdge(seconds: number): TopologyEdge {
    const { series } = this;
    const milliseconds = (q: number): number => this.#durations.quantileUs(q) / 1_000;
    return {
      source: nodeId(series.sourceWorkload),
      destination: nodeId(series.destinationWorkload),
      service: series.destinationService,
      port: series.destinationPort,
      route: series.route,
      protocol: series.protocol,
      isMutualTls: this.#isMutualTls,
      count: this.#count,
      failures: this.#failures,
      requestsPerSecond: this.#count / seconds,
      successRate: this.#count === 0 ? 1 : (this.#count - this.#failures) / this.#count,
      p50Ms: milliseconds(0.5),
      p90Ms: milliseconds(0.9),
      p99Ms: milliseconds(0.99),
      requestBytes: this.#requestBytes,
      responseBytes: this.#responseBytes,
      classes: Object.fromEntries([...this.#classes].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      reasons: [...this.#reasons]
        .map(([reason, count]) => ({ reason, count }))
        .toSorted((a, b) => b.count - a.count),
    };
  }
}

/** A 5xx answer, a connection that broke, or an exchange that got no answer at all. */
function isFailure(series: Series): boolean {
  return series.responseClass === "5xx" || series.responseClass === "error" || series.responseClass === "";
}

function bump(counts: Map<string, number>, key: string, count: number, limit: number): void {
  const known = counts.get(key);
  if (known === undefined && counts.size >= limit) return;
  counts.set(key, (known ?? 0) + count);
}

function nodeId(workload: string): string {
  return workload === "" ? "unknown" : workload;
}

function sourceNode(series: Series, isGateway: (workload: string) => boolean): TopologyNode {
  return node(series.sourceWorkload, series.sourceIdentity, "", isGateway);
}

function destinationNode(series: Series, isGateway: (workload: string) => boolean): TopologyNode {
  return node(series.destinationWorkload, series.destinationIdentity, series.destinationVersion, isGateway);
}

function node(
  workload: string,
  identity: string,
  version: string,
  isGateway: (workload: string) => boolean,
): TopologyNode {
  const slash = workload.indexOf("/");
  if (slash < 0)
    return {
      id: nodeId(workload),
      kind: "unknown",
      namespace: "",
      name: nodeId(workload),
      identity,
      version,
    };
  return {
    id: workload,
    kind: isGateway(workload) ? "gateway" : "workload",
    namespace: workload.slice(0, slash),
    name: workload.slice(slash + 1),
    identity,
    version,
  };
}
