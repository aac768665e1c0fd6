/** Golden signals as a table, the busiest first. */
import type { Topology, TopologyEdge } from "../api/index.ts";
import type { OutputFormat, SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

/** Edges that touch the namespace of the command line; all where `-A` was given. */
export function ofNamespace(topology: Topology, options: SharedOptions): Topology {
  if (options.allNamespaces === true) return topology;
  const inside = (id: string): boolean => id.startsWith(`${options.namespace}/`);
  const edges = topology.edges.filter(({ source, destination }) => inside(source) || inside(destination));
  const ids = new Set(edges.flatMap(({ source, destination }) => [source, destination]));
  return { ...topology, edges, nodes: topology.nodes.filter(({ id }) => ids.has(id)) };
}

const orders: Readonly<Record<string, (edge: TopologyEdge) => number>> = {
  rps: (edge) => -edge.requestsPerSecond,
  ok: (edge) => edge.successRate,
  p50: (edge) => -edge.p50Ms,
  p99: (edge) => -edge.p99Ms,
};

interface TableForm {
  readonly format: OutputFormat;
  readonly width: number | undefined;
  /** rps, ok, p50, p99 or name. Default: rps. */
  readonly sort?: string;
}

export function formatTopology(topology: Topology, { format, width, sort = "rps" }: TableForm): string {
  if (topology.edges.length === 0) return `no traffic in the last ${topology.windowSeconds} s\n`;
  const orderOf = orders[sort] ?? (() => 0);
  const edges = topology.edges.toSorted(
    (a, b) => orderOf(a) - orderOf(b) || (edgeKey(a) < edgeKey(b) ? -1 : 1),
  );
  const isWide = format === "wide";
  const header = [
    "FROM",
    "TO",
    "SERVICE",
    "RPS",
    "OK",
    "P50",
    "P90",
    "P99",
    ...(isWide ? ["MTLS", "ROUTE", "WHY"] : []),
  ];
  const rows = edges.map((edge) => {
    const row = [
      shortId(edge.source),
      shortId(edge.destination),
      `${shortId(edge.service)}${edge.port === 0 ? "" : `:${edge.port}`}`,
      formatRate(edge.requestsPerSecond),
      formatShare(edge.successRate),
      ...[edge.p50Ms, edge.p90Ms, edge.p99Ms].map(formatMs),
    ];
    return isWide ? [...row, edge.isMutualTls ? "yes" : "no", shortId(edge.route), whyOf(edge)] : row;
  });
  return formatTable(header, rows, { width, right: [3, 4, 5, 6, 7] });
}

export function formatRate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

/** 100 % means that nothing failed: one failure in a million is not rounded away. */
export function formatShare(share: number): string {
  if (share >= 1) return "100%";
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)}s`;
  return ms >= 10 ? `${ms.toFixed(0)}ms` : `${ms.toFixed(1)}ms`;
}

/** Without the namespace most people have only one of. */
export function shortId(id: string): string {
  return id.startsWith("default/") ? id.slice("default/".length) : id;
}

function whyOf(edge: TopologyEdge): string {
  return edge.reasons.map(({ reason, count }) => `${reason} ${count}`).join(", ");
}

function edgeKey(edge: TopologyEdge): string {
  return `${edge.source} ${edge.destination} ${edge.service} ${edge.route}`;
}
