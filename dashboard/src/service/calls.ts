/** Calls added up over ports, routes and protocols: one row for each other side. */
import type { TopologyEdge } from "../api/documents.ts";

export interface CallRow {
  readonly id: string;
  readonly count: number;
  readonly failures: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly isMutualTls: boolean;
}

export function addUpCalls(
  edges: readonly TopologyEdge[],
  far: "source" | "destination",
): readonly CallRow[] {
  return [...Map.groupBy(edges, (edge) => edge[far])].map(([id, each]) => ({
    id,
    count: each.reduce((sum, { count }) => sum + count, 0),
    failures: each.reduce((sum, { failures }) => sum + failures, 0),
    perSecond: each.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
    p99Ms: Math.max(...each.map(({ p99Ms }) => p99Ms)),
    isMutualTls: each.every(({ isMutualTls }) => isMutualTls),
  }));
}
