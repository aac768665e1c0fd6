/** What several workers report, as one report of the proxy that they are. */
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type CounterDelta,
  type EdgeDelta,
  type EjectedEndpoint,
  HistogramSchema,
  type PlaintextCaller,
  type PolicyDelta,
  type Refusal,
  type RuleHits,
  type TelemetryReport,
  TelemetryReportSchema,
} from "../../wire/index.ts";
import type { TelemetrySource } from "./agent.ts";

/** Label sets between two uploads: what two workers with a full table each have, or many with the same ones. */
const maxEdges = 4_000;
/** Of each of the others: as much as a worker may have, twice. */
const maxOthers = 4_000;
const maxRefusals = 256;
/** Label sets in one upload: what a control plane reads in a moment. */
const maxEdgesAtOnce = 500;

interface WorkerState {
  readonly series: number;
  readonly maxSeries: number;
}

export class JoinedReports implements TelemetrySource {
  readonly #edges = new Map<string, EdgeDelta>();
  /** Connections open as each worker told last, by label set. */
  readonly #open = new Map<string, Map<number, bigint>>();
  readonly #policies = new Map<string, PolicyDelta>();
  readonly #plaintextCallers = new Map<string, PlaintextCaller>();
  readonly #ruleHits = new Map<string, RuleHits>();
  readonly #counters = new Map<string, CounterDelta>();
  readonly #workers = new Map<number, WorkerState>();
  #refusals: Refusal[] = [];
  #ejected: readonly EjectedEndpoint[] | undefined = undefined;
  #startMs: bigint | undefined;
  #endMs = 0n;
  #droppedSeries = 0n;
  #proxy = "";

  /** As `TelemetryReport` is encoded; `worker`: its index. */
  add(bytes: Uint8Array, worker = 0): void {
    const report = fromBinary(TelemetryReportSchema, bytes);
    this.#proxy = report.proxy;
    if (this.#startMs === undefined || report.startUnixMs < this.#startMs) this.#startMs = report.startUnixMs;
    if (report.endUnixMs > this.#endMs) this.#endMs = report.endUnixMs;
    this.#droppedSeries += report.droppedSeries;
    this.#workers.set(worker, { series: report.series, maxSeries: report.maxSeries });
    for (const edge of report.edges) this.#addEdge(edge, worker);
    for (const each of report.policies)
      addCount(this.#policies, `${each.policy}\n${each.rule}\n${each.verdict}`, each);
    for (const each of report.plaintextCallers)
      addCount(this.#plaintextCallers, `${each.address} ${each.port}`, each);
    for (const each of report.ruleHits)
      addCount(this.#ruleHits, `${each.kind}\n${each.route}\n${each.rule}`, each);
    for (const each of report.counters)
      addCount(this.#counters, JSON.stringify([each.name, Object.entries(each.labels)]), each);
    this.#refusals = [...this.#refusals, ...report.refusals].slice(-maxRefusals);
    // Workers tell one another whom they leave out.
    if (report.hasEjected) this.#ejected = report.ejected;
  }

  /** Label sets that did not fit the report before. */
  get hasMore(): boolean {
    return this.#edges.size > 0;
  }

  take(): TelemetryReport | undefined {
    if (this.#startMs === undefined && this.#edges.size === 0) return undefined;
    const workers = [...this.#workers.values()];
    const report = create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: this.#startMs ?? this.#endMs,
      endUnixMs: this.#endMs,
      edges: this.#takeEdges(),
      droppedSeries: this.#droppedSeries,
      policies: [...this.#policies.values()],
      plaintextCallers: [...this.#plaintextCallers.values()],
      ruleHits: [...this.#ruleHits.values()],
      counters: [...this.#counters.values()],
      refusals: this.#refusals,
      ejected: [...(this.#ejected ?? [])],
      hasEjected: this.#ejected !== undefined,
      series: workers.reduce((sum, { series }) => sum + series, 0),
      maxSeries: workers.reduce((sum, { maxSeries }) => sum + maxSeries, 0),
    });
    for (const each of [this.#policies, this.#plaintextCallers, this.#ruleHits, this.#counters]) each.clear();
    this.#refusals = [];
    this.#ejected = undefined;
    if (this.#edges.size === 0) this.#startMs = undefined;
    this.#droppedSeries = 0n;
    return report;
  }

  #takeEdges(): EdgeDelta[] {
    const taken: EdgeDelta[] = [];
    for (const [key, edge] of this.#edges) {
      if (taken.length === maxEdgesAtOnce) break;
      taken.push(edge);
      this.#edges.delete(key);
    }
    return taken;
  }

  #addEdge(edge: EdgeDelta, worker: number): void {
    const key = keyOf(edge);
    edge.open = this.#openOf(key, worker, edge.open);
    const known = this.#edges.get(key);
    if (known === undefined) {
      if (this.#edges.size < maxEdges) this.#edges.set(key, edge);
      else this.#droppedSeries++;
      return;
    }
    known.count += edge.count;
    known.open = edge.open;
    known.requestBytes += edge.requestBytes;
    known.responseBytes += edge.responseBytes;
    known.duration = joinDurations(known.duration, edge.duration);
  }

  /** Of all workers together. */
  #openOf(key: string, worker: number, open: bigint): bigint {
    let known = this.#open.get(key);
    if (known === undefined) {
      if (open === 0n || this.#open.size >= maxEdges) return open;
      this.#open.set(key, (known = new Map()));
    }
    if (open === 0n) known.delete(worker);
    else known.set(worker, open);
    if (known.size === 0) this.#open.delete(key);
    return [...known.values()].reduce((sum, each) => sum + each, 0n);
  }
}

function addCount<T extends { count: bigint }>(known: Map<string, T>, key: string, added: T): void {
  const before = known.get(key);
  if (before !== undefined) before.count += added.count;
  else if (known.size < maxOthers) known.set(key, added);
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
    edge.sourceVersion,
    edge.sourceLocality,
    edge.destinationWorkload,
    edge.destinationIdentity,
    edge.destinationService,
    edge.destinationPort,
    edge.destinationVersion,
    edge.destinationLocality,
    edge.route,
    edge.protocol,
    edge.responseClass,
    edge.responseCode,
    edge.grpcStatus,
    edge.method,
    edge.reason,
    edge.mtls,
  ]);
}
