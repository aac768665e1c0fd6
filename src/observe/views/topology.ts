/** Who called whom in a window, with every workload or at the level of services, folded from the series of both sides. */
import type { Aggregator } from "../aggregator.ts";
import { isFailure, type Series } from "../series.ts";
import { Figures, sumSeries, withoutDoubles } from "./figures.ts";
import { narrowTopology, seriesInScope, type TopologyScope } from "./topology-scope.ts";

type NodeKind = "workload" | "gateway" | "service" | "external" | "unknown";

interface TopologyNode {
  /** "namespace/name"; "unknown" where there is no workload, "other" for what did not fit the budget. */
  readonly id: string;
  readonly kind: NodeKind;
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
  /** Counts by the destination's version. */
  readonly versions: Record<string, number>;
}

export interface Topology {
  readonly windowSeconds: number;
  readonly endTimeMs: number;
  readonly from?: "window" | "prometheus";
  readonly nodes: TopologyNode[];
  readonly edges: TopologyEdge[];
}

export interface TopologyQuery extends TopologyScope {
  readonly windowSeconds: number;
  /** Default: workload. */
  readonly by?: "workload" | "service" | undefined;
  /** Default: now. */
  readonly endMs?: number | undefined;
}

/** What is known of names by those that keep them. */
export interface NodeNames {
  isGateway(id: string): boolean;
  /** Of "namespace/name" that was dialled; undefined: there is no service of that name. */
  serviceKind(path: string): "service" | "external" | undefined;
}

/** The closed set of reason codes is smaller; a report's own text is not trusted to be. */
const maxReasons = 64;
const maxClasses = 16;
const maxVersions = 32;

export function topology(aggregator: Aggregator, query: TopologyQuery, names: NodeNames): Topology {
  const isByService = query.by === "service";
  const window = isByService ? aggregator.services : aggregator.detail;
  const span = window.span(query.windowSeconds * 1_000, query.endMs);
  const sums = withoutDoubles(sumSeries(window, span, seriesInScope(query)));
  const endTimeMs = span.toMs - 1;
  return {
    windowSeconds: Math.max(1, Math.round(span.coveredMs / 1_000)),
    endTimeMs,
    ...topologyOf(sums, { seconds: span.coveredMs / 1_000, isByService, names, scope: query }),
  };
}

export interface FoldOptions {
  readonly seconds: number;
  readonly isByService: boolean;
  readonly names: NodeNames;
  readonly scope: TopologyScope;
}

export function topologyOf(
  sums: Iterable<readonly [Series, Figures]>,
  { seconds, isByService, names, scope }: FoldOptions,
): Pick<Topology, "nodes" | "edges"> {
  const builder = new NodeBuilder(names, isByService);
  const folds = new Map<string, EdgeFold>();
  for (const [series, figures] of sums) {
    const ends = builder.endsOf(series);
    const { destinationService, destinationPort, route, protocol } = series;
    const key = JSON.stringify([...ends, destinationService, destinationPort, route, protocol]);
    const fold = folds.get(key) ?? new EdgeFold(series, ends);
    folds.set(key, fold);
    fold.add(series, figures);
  }
  const edges = [...folds.values()].map((fold) => fold.toEdge(seconds)).toSorted((a, b) => b.count - a.count);
  const nodes = builder.nodes().toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return narrowTopology({ nodes, edges }, scope);
}

class EdgeFold {
  readonly #series: Series;
  readonly #ends: readonly [source: string, destination: string];
  readonly #figures = new Figures();
  readonly #classes = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #versions = new Map<string, number>();
  #isMutualTls = true;

  constructor(series: Series, ends: readonly [string, string]) {
    this.#series = series;
    this.#ends = ends;
  }

  add(series: Series, figures: Figures): void {
    this.#figures.merge(figures);
    this.#isMutualTls &&= series.isMutualTls;
    const { responseClass, reason, destinationVersion } = series;
    if (responseClass !== "") bump(this.#classes, responseClass, figures.count, maxClasses);
    if (reason !== "" && isFailure(series)) bump(this.#reasons, reason, figures.count, maxReasons);
    if (destinationVersion !== "") bump(this.#versions, destinationVersion, figures.count, maxVersions);
  }

  toEdge(seconds: number): TopologyEdge {
    const { destinationService, destinationPort, route, protocol } = this.#series;
    const figures = this.#figures;
    return {
      source: this.#ends[0],
      destination: this.#ends[1],
      service: destinationService,
      port: destinationPort,
      route,
      protocol,
      isMutualTls: this.#isMutualTls,
      count: figures.count,
      failures: figures.failures,
      requestsPerSecond: figures.count / seconds,
      successRate: figures.successRate,
      p50Ms: figures.quantileMs(0.5),
      p90Ms: figures.quantileMs(0.9),
      p99Ms: figures.quantileMs(0.99),
      requestBytes: figures.requestBytes,
      responseBytes: figures.responseBytes,
      classes: sortedRecord(this.#classes),
      reasons: [...this.#reasons]
        .map(([reason, count]) => ({ reason, count }))
        .toSorted((a, b) => b.count - a.count),
      versions: sortedRecord(this.#versions),
    };
  }
}

class NodeBuilder {
  readonly #names: NodeNames;
  readonly #isByService: boolean;
  readonly #nodes = new Map<string, TopologyNode>();

  constructor(names: NodeNames, isByService: boolean) {
    this.#names = names;
    this.#isByService = isByService;
  }

  nodes(): TopologyNode[] {
    return [...this.#nodes.values()];
  }

  endsOf(series: Series): readonly [source: string, destination: string] {
    const { destinationService, destinationWorkload } = series;
    // What is outside the mesh has no workload: there the service is the end.
    const isExternal =
      destinationWorkload === "" && this.#names.serviceKind(destinationService) === "external";
    const source = this.#note(series.sourceWorkload, series.sourceIdentity, "");
    const destination = this.#note(
      isExternal ? destinationService : destinationWorkload,
      series.destinationIdentity,
      this.#isByService ? "" : series.destinationVersion,
    );
    return [source, destination];
  }

  #note(workload: string, identity: string, version: string): string {
    const id = workload === "" ? "unknown" : workload;
    const known = this.#nodes.get(id);
    // The first that knows the version wins; a failed dial knows none.
    if (known !== undefined && (known.version !== "" || version === "")) return id;
    const slash = id.indexOf("/");
    const kind = slash < 0 ? "unknown" : this.#kindOf(id);
    const namespace = slash < 0 ? "" : id.slice(0, slash);
    this.#nodes.set(id, { id, kind, namespace, name: id.slice(slash + 1), identity, version });
    return id;
  }

  #kindOf(id: string): NodeKind {
    if (this.#names.isGateway(id)) return "gateway";
    const service = this.#names.serviceKind(id);
    if (service === "external") return "external";
    return this.#isByService && service === "service" ? "service" : "workload";
  }
}

function bump(counts: Map<string, number>, key: string, count: number, limit: number): void {
  const known = counts.get(key);
  if (known === undefined && counts.size >= limit) return;
  counts.set(key, (known ?? 0) + count);
}

function sortedRecord(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
