/** Golden signals as the control plane gets them: per label set the difference to the report before. */
import { create } from "@bufbuild/protobuf";
import type { Histogram as DurationHistogram } from "../../kernel/index.ts";
import {
  Direction,
  type EdgeDelta,
  EdgeDeltaSchema,
  type Histogram,
  HistogramSchema,
  type TelemetryReport,
  TelemetryReportSchema,
} from "../../wire/index.ts";
import type { EdgeSeries, SeriesRegistry } from "./series.ts";
import type { CellDelta, SeriesCell } from "./series-cell.ts";

export class ReportBuilder {
  readonly #registry: SeriesRegistry;
  readonly #proxy: string;
  readonly #nowMs: () => number;
  #startMs: number;
  #droppedBefore = 0;

  /** `proxy` is "namespace/workload". */
  constructor(registry: SeriesRegistry, proxy: string, nowMs: () => number) {
    this.#registry = registry;
    this.#proxy = proxy;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  /** Undefined where nothing happened since the call before. */
  take(): TelemetryReport | undefined {
    const edges: EdgeDelta[] = [];
    for (const edge of this.#registry.edges()) {
      for (const cell of edge.cells) {
        const delta = cell.readDelta();
        if (delta === undefined) continue;
        edges.push(encodeEdge(edge, cell, delta));
        cell.clearDelta();
        edge.idleReports = 0;
      }
    }
    this.#registry.evictIdle();
    const dropped = this.#registry.droppedSeries - this.#droppedBefore;
    if (edges.length === 0 && dropped === 0) return undefined;
    const startMs = this.#startMs;
    this.#startMs = this.#nowMs();
    this.#droppedBefore += dropped;
    return create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: BigInt(startMs),
      endUnixMs: BigInt(this.#startMs),
      edges,
      droppedSeries: BigInt(dropped),
    });
  }
}

function encodeEdge(edge: EdgeSeries, cell: SeriesCell, delta: CellDelta): EdgeDelta {
  const labels = edge.labels;
  return create(EdgeDeltaSchema, {
    direction: labels.direction === "outbound" ? Direction.OUTBOUND : Direction.INBOUND,
    sourceWorkload: labels.sourceWorkload,
    sourceIdentity: labels.sourceIdentity,
    destinationWorkload: labels.destinationWorkload,
    destinationIdentity: labels.destinationIdentity,
    destinationService: labels.destinationService,
    destinationPort: labels.destinationPort,
    destinationVersion: labels.destinationVersion,
    route: labels.route,
    protocol: labels.protocol,
    responseClass: cell.responseClass,
    reason: cell.reason,
    mtls: labels.mtls,
    count: BigInt(delta.count),
    requestBytes: BigInt(delta.requestBytes),
    responseBytes: BigInt(delta.responseBytes),
    ...(delta.durations === undefined ? {} : { duration: encodeDurations(delta.durations) }),
  });
}

function encodeDurations(durations: DurationHistogram): Histogram {
  const buckets: number[] = [];
  const counts: number[] = [];
  for (const [index, count] of durations.buckets()) {
    buckets.push(index);
    counts.push(count);
  }
  return create(HistogramSchema, { buckets, counts, sumUs: BigInt(Math.round(durations.sumUs)) });
}
