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
import type { PlaintextCallers } from "./plaintext-callers.ts";
import type { PolicyCounters } from "./policy-counters.ts";
import type { RecentRefusals } from "./refusals.ts";
import type { EdgeSeries, SeriesRegistry } from "./series.ts";
import type { CellDelta, SeriesCell } from "./series-cell.ts";

/** What is reported beside golden signals. */
export interface PolicyReports {
  readonly policies: PolicyCounters;
  readonly refusals: RecentRefusals;
  readonly plaintextCallers: PlaintextCallers;
}

export class ReportBuilder {
  readonly #registry: SeriesRegistry;
  readonly #proxy: string;
  readonly #nowMs: () => number;
  readonly #others: PolicyReports | undefined;
  #startMs: number;
  #droppedBefore = 0;

  /** `proxy` is "namespace/workload". */
  constructor(registry: SeriesRegistry, proxy: string, nowMs: () => number, others?: PolicyReports) {
    this.#others = others;
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
    const policies = this.#others?.policies.take() ?? [];
    const refusals = this.#others?.refusals.take() ?? [];
    const plaintextCallers = this.#others?.plaintextCallers.take() ?? [];
    const isQuiet = policies.length === 0 && refusals.length === 0 && plaintextCallers.length === 0;
    if (edges.length === 0 && dropped === 0 && isQuiet) return undefined;
    const startMs = this.#startMs;
    this.#startMs = this.#nowMs();
    this.#droppedBefore += dropped;
    return create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: BigInt(startMs),
      endUnixMs: BigInt(this.#startMs),
      edges,
      droppedSeries: BigInt(dropped),
      policies,
      refusals,
      plaintextCallers,
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
