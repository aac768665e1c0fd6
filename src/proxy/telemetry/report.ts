/**
 * Golden signals as the control plane gets them: per label set the difference to the report before. A round with many
 * label sets is several reports, each of which is made and encoded in a moment; all of them tell of the same time.
 */
import { create } from "@bufbuild/protobuf";
import type { Histogram as DurationHistogram } from "../../kernel/index.ts";
import {
  type CounterDelta,
  CounterDeltaSchema,
  Direction,
  type EdgeDelta,
  EdgeDeltaSchema,
  type EjectedEndpoint,
  type Histogram,
  HistogramSchema,
  type TelemetryReport,
  TelemetryReportSchema,
} from "../../wire/index.ts";
import type { CounterFamily } from "./counters.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { type Outcome, readOutcome } from "./outcome-key.ts";
import type { PlaintextCallers } from "./plaintext-callers.ts";
import type { PolicyCounters } from "./policy-counters.ts";
import type { RecentRefusals } from "./refusals.ts";
import type { RuleHits } from "./rule-hits.ts";
import type { SeriesRegistry } from "./series.ts";
import type { CellDelta, SeriesCell } from "./series-cell.ts";

/** What is reported beside golden signals. */
export interface PolicyReports {
  readonly policies: PolicyCounters;
  readonly refusals: RecentRefusals;
  readonly plaintextCallers: PlaintextCallers;
  readonly ruleHits: RuleHits;
  /** Counters that are reported. */
  readonly counters: readonly CounterFamily[];
  /** A report was lost. */
  reportDropped(): void;
  /** All endpoints that are left out at the moment. */
  ejected(): readonly EjectedEndpoint[];
}

/** Label sets of one report: 2 ms of work with its encoding. A round of 2,000 is twenty reports. */
const maxEdges = 100;

type Beside = Pick<
  TelemetryReport,
  "policies" | "refusals" | "plaintextCallers" | "ruleHits" | "counters" | "ejected" | "hasEjected"
>;

export class ReportBuilder {
  readonly #registry: SeriesRegistry;
  readonly #proxy: string;
  readonly #nowMs: () => number;
  readonly #others: PolicyReports | undefined;
  #startMs: number;
  #droppedBefore = 0;
  #ejectedBefore = "";
  /** Cells of the round that are left; undefined: no round is under way. */
  #left: Iterator<readonly [EdgeSeries, SeriesCell]> | undefined = undefined;
  #window: { readonly startMs: number; readonly endMs: number } = { startMs: 0, endMs: 0 };

  /** `proxy` is "namespace/workload". */
  constructor(registry: SeriesRegistry, proxy: string, nowMs: () => number, others?: PolicyReports) {
    this.#others = others;
    this.#registry = registry;
    this.#proxy = proxy;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  /** More of the same time is there to be taken. */
  get hasMore(): boolean {
    return this.#left !== undefined;
  }

  /** Undefined where nothing happened since the call before. */
  take(): TelemetryReport | undefined {
    const isFirst = this.#left === undefined;
    this.#left ??= cellsOf(this.#registry);
    const edges = this.#takeEdges(this.#left);
    const dropped = this.#registry.droppedSeries - this.#droppedBefore;
    const beside = isFirst ? this.#takeBeside() : undefined;
    if (edges.length === 0 && dropped === 0 && (beside === undefined || isQuiet(beside))) return undefined;
    if (isFirst) {
      this.#window = { startMs: this.#startMs, endMs: this.#nowMs() };
      this.#startMs = this.#window.endMs;
    }
    this.#droppedBefore += dropped;
    return create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: BigInt(this.#window.startMs),
      endUnixMs: BigInt(this.#window.endMs),
      edges,
      droppedSeries: BigInt(dropped),
      series: this.#registry.cellCount,
      maxSeries: this.#registry.maxSeries,
      ...(beside === undefined
        ? {}
        : { ...beside, hasEjected: beside.hasEjected || beside.ejected.length > 0 }),
    });
  }

  dropped(): void {
    this.#others?.reportDropped();
  }

  /** Ends the round where nothing is left of it. */
  #takeEdges(left: Iterator<readonly [EdgeSeries, SeriesCell]>): EdgeDelta[] {
    const edges: EdgeDelta[] = [];
    while (edges.length < maxEdges) {
      const next = left.next();
      if (next.done === true) {
        this.#left = undefined;
        this.#registry.evictIdle();
        break;
      }
      const [edge, cell] = next.value;
      const delta = cell.readDelta();
      if (delta === undefined) continue;
      edges.push(encodeEdge(edge, cell, delta));
      cell.clearDelta();
      cell.idleReports = 0;
    }
    return edges;
  }

  #takeBeside(): Beside {
    const others = this.#others;
    const ejected = [...(others?.ejected() ?? [])];
    const told = ejected
      .map(({ cluster, workload, address }) => `${cluster} ${workload} ${address}`)
      .join("\n");
    const hasEjected = told !== this.#ejectedBefore;
    this.#ejectedBefore = told;
    return {
      policies: others?.policies.take() ?? [],
      refusals: others?.refusals.take() ?? [],
      plaintextCallers: others?.plaintextCallers.take() ?? [],
      ruleHits: others?.ruleHits.take() ?? [],
      counters: (others?.counters ?? []).flatMap(takeCounters),
      ejected,
      hasEjected,
    };
  }
}

function* cellsOf(registry: SeriesRegistry): Generator<readonly [EdgeSeries, SeriesCell]> {
  for (const edge of registry.edges()) for (const cell of edge.cells) yield [edge, cell];
}

/** Endpoints that are out as they were before are no reason for a report. */
function isQuiet({ policies, refusals, plaintextCallers, ruleHits, counters, hasEjected }: Beside): boolean {
  return (
    !hasEjected &&
    [policies, refusals, plaintextCallers, ruleHits, counters].every((each) => each.length === 0)
  );
}

function takeCounters(family: CounterFamily): CounterDelta[] {
  return [...family.take()].map(({ name, labels, count }) =>
    create(CounterDeltaSchema, { name, labels: { ...labels }, count: BigInt(count) }),
  );
}

function encodeEdge(edge: EdgeSeries, cell: SeriesCell, delta: CellDelta): EdgeDelta {
  const labels = edge.labels;
  const outcome = readOutcome(cell.key);
  const isTcp = labels.protocol === "tcp";
  return create(EdgeDeltaSchema, {
    direction: labels.direction === "outbound" ? Direction.OUTBOUND : Direction.INBOUND,
    sourceWorkload: labels.sourceWorkload,
    sourceIdentity: labels.sourceIdentity,
    sourceVersion: labels.sourceVersion,
    sourceLocality: labels.sourceLocality,
    destinationWorkload: labels.destinationWorkload,
    destinationIdentity: labels.destinationIdentity,
    destinationService: labels.destinationService,
    destinationPort: labels.destinationPort,
    destinationVersion: labels.destinationVersion,
    destinationLocality: labels.destinationLocality,
    route: labels.route,
    protocol: labels.protocol,
    responseClass: responseClass(isTcp, outcome),
    responseCode: edge.hasClassesOnly ? 0 : outcome.status,
    grpcStatus: outcome.grpcStatus === undefined ? 0 : outcome.grpcStatus + 1,
    method: outcome.method,
    reason: outcome.reason,
    mtls: labels.mtls,
    count: BigInt(delta.count),
    requestBytes: BigInt(delta.requestBytes),
    responseBytes: BigInt(delta.responseBytes),
    open: isTcp && outcome.reason === "" ? BigInt(Math.max(0, cell.openNow)) : 0n,
    ...(delta.durations === undefined ? {} : { duration: encodeDurations(delta.durations) }),
  });
}

function responseClass(isTcp: boolean, { status, reason }: Outcome): string {
  if (isTcp) return reason === "" ? "ok" : "error";
  return `${Math.floor(status / 100)}xx`;
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
