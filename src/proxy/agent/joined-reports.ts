/** What several workers report, as one report of the proxy that they are. */
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type EdgeDelta,
  HistogramSchema,
  type TelemetryReport,
  TelemetryReportSchema,
} from "../../wire/index.ts";
import type { TelemetrySource } from "./agent.ts";

/** Label sets between two uploads: what two workers with a full table each have, or many with the same ones. */
const maxEdges = 4_000;

export class JoinedReports implements TelemetrySource {
  readonly #edges = new Map<string, EdgeDelta>();
  #startMs: bigint | undefined;
  #endMs = 0n;
  #droppedSeries = 0n;
  #proxy = "";

  /** As `TelemetryReport` is encoded. */
  add(bytes: Uint8Array): void {
    const report = fromBinary(TelemetryReportSchema, bytes);
    this.#proxy = report.proxy;
    if (this.#startMs === undefined || report.startUnixMs < this.#startMs) this.#startMs = report.startUnixMs;
    if (report.endUnixMs > this.#endMs) this.#endMs = report.endUnixMs;
    this.#droppedSeries += report.droppedSeries;
    for (const edge of report.edges) this.#addEdge(edge);
  }

  take(): TelemetryReport | undefined {
    if (this.#startMs === undefined) return undefined;
    const report = create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: this.#startMs,
      endUnixMs: this.#endMs,
      edges: [...this.#edges.values()],
      droppedSeries: this.#droppedSeries,
    });
    this.#edges.clear();
    this.#startMs = undefined;
    this.#droppedSeries = 0n;
    return report;
  }

  #addEdge(edge: EdgeDelta): void {
    const key = keyOf(edge);
    const known = this.#edges.get(key);
    if (known === undefined) {
      if (this.#edges.size < maxEdges) this.#edges.set(key, edge);
      else this.#droppedSeries++;
      return;
    }
    known.count += edge.count;
    known.requestBytes += edge.requestBytes;
    known.responseBytes += edge.responseBytes;
    known.duration = joinDurations(known.duration, edge.duration);
  }
}

type Durations = EdgeDelta["duration"];

function joinDurations(a: Durations, b: Durations): Durations {
  if (a === undefined || b === undefined) return a ?? b;
  const counts = new Map<number, number>();
  for (const { buckets, counts: added } of [a, b]) {
    for (const [i, bucket] of buckets.entries()) {
      counts.set(bucket, (counts.get(bucket) ?? 0) + (added[i] ?? 0));
    }
  }
  const sorted = [...counts].toSorted(([x], [y]) => x - y);
  return create(HistogramSchema, {
    buckets: sorted.map(([bucket]) => bucket),
    counts: sorted.map(([, count]) => count),
    sumUs: a.sumUs + b.sumUs,
  });
}

/** All that is a label. */
function keyOf(edge: EdgeDelta): string {
  return JSON.stringify([
    edge.direction,
    edge.sourceWorkload,
    edge.sourceIdentity,
    edge.destinationWorkload,
    edge.destinationIdentity,
    edge.destinationService,
    edge.destinationPort,
    edge.destinationVersion,
    edge.route,
    edge.protocol,
    edge.responseClass,
    edge.reason,
    edge.mtls,
  ]);
}
