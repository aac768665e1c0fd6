/**
 * The golden signals of all proxies: the last minutes with every workload apart, a longer window at the level of services,
 * and totals since the start. A report's edges are filed under the time of its arrival, since proxies' clocks differ.
 * Label sets are told apart once; from then on a proxy's edge is a hash, a look-up and additions. Bounded in all;
 * what does not fit is counted in an overflow series, never dropped silently.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Clock, type Log, silentLog, type Timer } from "../kernel/index.ts";
import { type EdgeDelta, EdgeDeltaSchema, type TelemetryReport } from "../wire/index.ts";
import { Hits, type HitLabels, hitKey, parseHit } from "./hits.ts";
import { ProxyEdges } from "./proxy-edges.ts";
import { EdgeScanner } from "./reports/edge-scanner.ts";
import { splitReport } from "./reports/split-report.ts";
import {
  foldSeries,
  isProxyOverflow,
  overflowSeries,
  parseSeries,
  readSeries,
  reporterOf,
  type Series,
  seriesKey,
  withoutSource,
} from "./series.ts";
import { TextPool } from "./text-pool.ts";
import { type SeriesTotal, Totals } from "./totals.ts";
import { RollingWindow, type WindowEntry } from "./window/rolling-window.ts";
import type { SlotFile } from "./window/slot-file.ts";
import { type WorkloadGroup, WorkloadGroups } from "./workload-groups.ts";

export interface AggregatorOptions {
  readonly clock: Clock;
  readonly log?: Log;
  /** Which service or group a workload belongs to; undefined: to none that is known. */
  readonly groupOf?: (workload: string) => string | undefined;
  /** Keeps the window of services through a restart. Absent: memory only. */
  readonly file?: SlotFile | undefined;
  /** Of the minutes with every workload. Default 5 s. */
  readonly slotMs?: number;
  /** How far back workloads can be told apart: 120 slots of 5 s are ten minutes. */
  readonly slots?: number;
  /** Of the window of services. Default 10 s. */
  readonly windowSlotMs?: number | undefined;
  /** Default 1 h. */
  readonly windowMs?: number | undefined;
  /** Label sets of workloads; half as many again of endpoints without their callers. */
  readonly maxSeries?: number;
  /** Label sets of services. A mesh of 300 services has about 1,500. */
  readonly maxServiceSeries?: number;
  readonly maxTotals?: number;
}

/** Where one label set of one proxy is counted. */
interface FiledEdge {
  readonly series: Series;
  readonly total: SeriesTotal;
  readonly source: WorkloadGroup;
  readonly destination: WorkloadGroup;
  detail: WindowEntry<Series>;
  service: WindowEntry<Series>;
  /** Of both groups, when `service` was looked up. */
  groupVersion: number;
}

const defaultSlotMs = 5_000;
const defaultSlots = 120;
const defaultWindowSlotMs = 10_000;
const defaultWindowMs = 3_600_000;
const defaultMaxSeries = 24_000;
const defaultMaxServiceSeries = 6_000;
const maxHitSeries = 10_000;
/** Of closed slots in memory: a cell is some 30 bytes, so the last minutes of 24,000 label sets fit. */
const maxDetailBytes = 48 * 1_048_576;
/** In memory, where there is no disk, and on disk: with the hits 20 MB. */
const maxServiceBytes = 17 * 1_048_576;
const maxHitBytes = 2 * 1_048_576;
/** Ten minutes of the window need no look at the disk. */
const memoryMs = 600_000;
/** More edges than this in one report are not read; proxies send at most 2,000. */
const maxEdgesPerReport = 10_000;

export class Aggregator {
  /** With every workload. */
  readonly detail: RollingWindow<Series>;
  /** At the level of services. */
  readonly services: RollingWindow<Series>;
  readonly hits: Hits;
  readonly totals: Totals;
  readonly #clock: Clock;
  readonly #groups: WorkloadGroups;
  readonly #scanner = new EdgeScanner();
  readonly #edges = new ProxyEdges<FiledEdge>();
  readonly #texts = new TextPool();
  readonly #maxSeries: number;
  #timer: Timer | undefined;
  #droppedSeries = 0;
  #refusedEdges = 0;
  #refusedReports = 0;

  constructor(options: AggregatorOptions) {
    const { clock, log = silentLog, file } = options;
    this.#clock = clock;
    this.#groups = new WorkloadGroups(options.groupOf ?? (() => undefined));
    this.totals = new Totals(options.maxTotals);
    this.#maxSeries = options.maxSeries ?? defaultMaxSeries;
    this.detail = new RollingWindow<Series>({
      ...{ clock, log, keyOf: seriesKey, maxBytes: maxDetailBytes },
      slotMs: options.slotMs ?? defaultSlotMs,
      slots: options.slots ?? defaultSlots,
      maxSeries: Math.ceil(this.#maxSeries * 1.5),
    });
    const slotMs = options.windowSlotMs ?? defaultWindowSlotMs;
    const slots = Math.ceil((options.windowMs ?? defaultWindowMs) / slotMs);
    const memorySlots = Math.ceil(memoryMs / slotMs);
    this.services = new RollingWindow<Series>({
      ...{ clock, log, slotMs, slots, keyOf: seriesKey, maxBytes: maxServiceBytes },
      maxSeries: options.maxServiceSeries ?? defaultMaxServiceSeries,
      disk: file && { store: file.window("services"), memorySlots, readLabels: parseSeries },
    });
    const hits = new RollingWindow<HitLabels>({
      ...{ clock, log, slotMs, slots, keyOf: hitKey, maxBytes: maxHitBytes, maxSeries: maxHitSeries },
      disk: file && { store: file.window("hits"), memorySlots, readLabels: parseHit },
    });
    this.hits = new Hits(hits, (workload) => this.groupOf(workload));
    this.#timer = this.#tick();
  }

  /** Series that did not fit a proxy's own budget, as proxies reported, plus those that did not fit this one's. */
  get droppedSeries(): number {
    return this.#droppedSeries;
  }

  /** Edges that were not the reporter's to report, or unreadable. */
  get refusedEdges(): number {
    return this.#refusedEdges;
  }

  /** Bytes that were no report. */
  get refusedReports(): number {
    return this.#refusedReports;
  }

  /** Why the window is in memory only; undefined: it is not, or nobody wants it on disk. */
  get diskProblem(): string | undefined {
    return this.services.diskProblem ?? this.hits.window.diskProblem;
  }

  /**
   * Files a report's edges; `reporter` is the identity that the sender proved: it can speak for its own side of an edge only.
   * Returns everything else of the report; undefined where the bytes are none.
   */
  receive(bytes: Uint8Array, reporter: string): TelemetryReport | undefined {
    const split = splitReport(bytes);
    if (split === undefined) {
      this.#refusedReports++;
      return undefined;
    }
    this.detail.roll();
    this.services.roll();
    const { report, edges } = split;
    this.#droppedSeries += Math.min(Number(report.droppedSeries), Number.MAX_SAFE_INTEGER);
    const known = this.#edges.of(`${reporter} ${report.proxy}`);
    const end = Math.min(edges.length, 2 * maxEdgesPerReport);
    this.#refusedEdges += (edges.length - end) / 2;
    for (let i = 0; i < end; i += 2) this.#file(bytes, edges[i] ?? 0, edges[i + 1] ?? 0, { known, reporter });
    return report;
  }

  /** Workloads that may belong to another service now. */
  regroup(workloads: Iterable<string>): void {
    this.#groups.changed(workloads);
  }

  groupOf(workload: string): string {
    return workload === "" || workload === "other" ? workload : this.#groups.of(workload).id;
  }

  /** Writes what is not on disk yet. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.services.close();
    this.hits.window.close();
  }

  #tick(): Timer {
    return this.#clock.after(this.services.slotMs, () => {
      this.services.roll();
      this.hits.window.roll();
      this.#timer = this.#tick();
    });
  }

  #file(
    bytes: Uint8Array,
    from: number,
    end: number,
    { known, reporter }: { known: Map<number, FiledEdge>; reporter: string },
  ): void {
    const scanner = this.#scanner;
    if (!scanner.scan(bytes, from, end))
      return this.#fileUnusual(bytes.subarray(from, end), { known, reporter });
    let edge = known.get(scanner.hash);
    if (edge === undefined) {
      const series = admissibleSeries(bytes.subarray(from, end), reporter);
      if (series === undefined) {
        this.#refusedEdges++;
        return;
      }
      edge = this.#filedEdge(this.#texts.series(series));
      this.#edges.put(known, scanner.hash, edge);
    }
    if (edge.detail.isGone) edge.detail = this.#detailEntry(edge.series);
    if (edge.service.isGone || edge.groupVersion !== edge.source.version + edge.destination.version) {
      edge.service = this.#serviceEntry(edge.series);
      edge.groupVersion = edge.source.version + edge.destination.version;
    }
    scanner.addTo(this.detail.cell(edge.detail));
    scanner.addTo(this.services.cell(edge.service));
    edge.total.count += scanner.count;
    edge.total.durationUs += scanner.sumUs;
  }

  /** Legal protobuf that no proxy of ours writes, such as numbers that are not packed: written as ours do, then tried again. */
  #fileUnusual(bytes: Uint8Array, context: { known: Map<number, FiledEdge>; reporter: string }): void {
    const edge = parseEdge(bytes);
    const written = edge && toBinary(EdgeDeltaSchema, edge, { writeUnknownFields: false });
    if (written === undefined || !this.#scanner.scan(written, 0, written.length)) this.#refusedEdges++;
    else this.#file(written, 0, written.length, context);
  }

  #filedEdge(series: Series): FiledEdge {
    const source = this.#groups.of(series.sourceWorkload);
    const destination = this.#groups.of(series.destinationWorkload);
    return {
      series,
      total: this.totals.of(series),
      source,
      destination,
      detail: this.#detailEntry(series),
      service: this.#serviceEntry(series),
      groupVersion: source.version + destination.version,
    };
  }

  #detailEntry(series: Series): WindowEntry<Series> {
    const { detail } = this;
    const entry = detail.entry(series, this.#maxSeries);
    if (entry !== undefined) return entry;
    this.#droppedSeries++;
    return detail.entry(withoutSource(series)) ?? detail.entryAlways(overflowSeries(series));
  }

  #serviceEntry(series: Series): WindowEntry<Series> {
    const folded = foldSeries(series, (workload) => this.groupOf(workload));
    const entry = this.services.entry(folded);
    if (entry !== undefined) return entry;
    this.#droppedSeries++;
    return this.services.entryAlways(overflowSeries(series));
  }
}

/** Undefined where it is not the reporter's to tell, or not to be read. */
function admissibleSeries(bytes: Uint8Array, reporter: string): Series | undefined {
  const edge = parseEdge(bytes);
  const series = edge && readSeries(edge);
  if (series === undefined) return undefined;
  if (isProxyOverflow(series)) return overflowSeries(series);
  return reporterOf(series) === reporter ? series : undefined;
}

function parseEdge(bytes: Uint8Array): EdgeDelta | undefined {
  try {
    return fromBinary(EdgeDeltaSchema, bytes);
  } catch {
    return undefined;
  }
}
