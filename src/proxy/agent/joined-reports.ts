/** What several workers report, as one report of the proxy that they are. */
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  type EdgeDelta,
  HistogramSchema,
  type PlaintextCaller,
  type PolicyDelta,
  type Refusal,
  type TelemetryReport,
  TelemetryReportSchema,
} from "../../wire/index.ts";
import type { TelemetrySource } from "./agent.ts";

/** Label sets between two uploads: what two workers with a full table each have, or many with the same ones. */
const maxEdges = 4_000;
/** Of each of the others: as much as a worker may have, twice. */
const maxOthers = 4_000;
const maxRefusals = 256;

export class JoinedReports implements TelemetrySource {
  readonly #edges = new Map<string, EdgeDelta>();
  readonly #policies = new Map<string, PolicyDelta>();
  readonly #plaintextCallers = new Map<string, PlaintextCaller>();
  #refusals: Refusal[] = [];
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
    for (const each of report.policies)
      addCount(this.#policies, `${each.policy}\n${each.rule}\n${each.verdict}`, each);
    for (const each of report.plaintextCallers)
      addCount(this.#plaintextCallers, `${each.address} ${each.port}`, each);
    this.#refusals = [...this.#refusals, ...report.refusals].slice(-maxRefusals);
  }

  take(): TelemetryReport | undefined {
    if (this.#startMs === undefined) return undefined;
    const report = create(TelemetryReportSchema, {
      proxy: this.#proxy,
      startUnixMs: this.#startMs,
      endUnixMs: this.#endMs,
      edges: [...this.#edges.values()],
      droppedSeries: this.#droppedSeries,
      policies: [...this.#policies.values()],
      plaintextCallers: [...this.#plaintextCallers.values()],
      refusals: this.#refusals,
    });
    this.#policies.clear();
    this.#plaintextCallers.clear();
    this.#refusals = [];
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
