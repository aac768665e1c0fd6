/** What `weft top` lists: services or workloads with their golden signals, in the order that was asked for. */
import type { ServiceSummary, Topology, TopologyEdge } from "../api/index.ts";
import type { OutputFormat } from "./shared-options.ts";
import { formatTable } from "./table.ts";
import { formatMs, formatRate, formatShare, shortId } from "./topology-table.ts";

export const topSorts = ["rps", "ok", "p50", "p99", "name"] as const;
export type TopSort = (typeof topSorts)[number];

export interface TopRow {
  /** "namespace/name" */
  readonly id: string;
  readonly requestsPerSecond: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mutualTlsShare: number;
  /** For a wide table. */
  readonly more: string;
}

/** Those without traffic too: a service that nobody calls any more is worth seeing. */
export function serviceRows(services: readonly ServiceSummary[]): TopRow[] {
  return services.map((service) => {
    const { namespace, name, workloads, ready, versions } = service;
    return {
      ...service,
      id: `${namespace}/${name}`,
      more: [`${ready}/${workloads} ready`, ...versions].join(" "),
    };
  });
}

/** What came to each workload. Of several callers P50 is their mean by requests, P99 that of the slowest. */
export function workloadRows({ edges, windowSeconds }: Topology): TopRow[] {
  return [...Map.groupBy(edges, ({ destination }) => destination)].map(([id, calls]) => {
    const sum = (figure: (edge: TopologyEdge) => number): number =>
      calls.reduce((total, edge) => total + figure(edge), 0);
    const count = Math.max(
      1,
      sum((edge) => edge.count),
    );
    return {
      id,
      requestsPerSecond: sum((edge) => edge.count) / windowSeconds,
      successRate: 1 - sum((edge) => edge.failures) / count,
      p50Ms: sum((edge) => edge.p50Ms * edge.count) / count,
      p99Ms: Math.max(...calls.map((edge) => edge.p99Ms)),
      mutualTlsShare: sum((edge) => (edge.isMutualTls ? edge.count : 0)) / count,
      more: [...new Set(calls.map(({ service }) => shortId(service)))].join(" "),
    };
  });
}

/** What needs a look comes first: the busiest, the worst, the slowest. */
const orders: Readonly<Record<TopSort, (a: TopRow, b: TopRow) => number>> = {
  rps: (a, b) => b.requestsPerSecond - a.requestsPerSecond,
  ok: (a, b) => a.successRate - b.successRate,
  p50: (a, b) => b.p50Ms - a.p50Ms,
  p99: (a, b) => b.p99Ms - a.p99Ms,
  name: () => 0,
};

export function sortRows(rows: readonly TopRow[], sort: TopSort): TopRow[] {
  return rows.toSorted((a, b) => orders[sort](a, b) || (a.id < b.id ? -1 : 1));
}

export function formatRows(
  title: "SERVICE" | "WORKLOAD",
  rows: readonly TopRow[],
  { format, width }: { readonly format: OutputFormat; readonly width: number | undefined },
): string {
  if (rows.length === 0) return `no ${title.toLowerCase()}s here\n`;
  const isWide = format === "wide";
  const more = title === "SERVICE" ? "WORKLOADS" : "OF";
  const header = [title, "RPS", "OK", "P50", "P99", "MTLS", ...(isWide ? [more] : [])];
  const cells = rows.map((row) => {
    const isQuiet = row.requestsPerSecond === 0;
    const figures = isQuiet
      ? ["-", "-", "-", "-"]
      : [
          formatShare(row.successRate),
          formatMs(row.p50Ms),
          formatMs(row.p99Ms),
          formatShare(row.mutualTlsShare),
        ];
    return [shortId(row.id), formatRate(row.requestsPerSecond), ...figures, ...(isWide ? [row.more] : [])];
  });
  return formatTable(header, cells, { width, right: [1, 2, 3, 4, 5] });
}
