/**
 * Golden signals by edge: who called whom, over which route, with what outcome. Handles are resolved once and cached by
 * their users; the number of label sets is bounded and what does not fit is counted under one name, "overflow".
 */
import type { ReasonCode } from "../../kernel/index.ts";
import { SeriesCell } from "./series-cell.ts";

export interface EdgeLabels {
  readonly direction: "outbound" | "inbound";
  /** "namespace/name"; empty: unknown. */
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly destinationWorkload: string;
  readonly destinationIdentity: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly destinationVersion: string;
  /** "namespace/name" of the route; empty: none. */
  readonly route: string;
  readonly protocol: "http" | "tcp";
  readonly mtls: boolean;
}

const statusClasses = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx"];

/** All outcomes of one edge. `isEvicted` tells a holder of the handle to ask the registry again. */
export class EdgeSeries {
  readonly labels: EdgeLabels;
  readonly cells: SeriesCell[] = [];
  isEvicted = false;
  idleReports = 0;
  readonly #registry: SeriesRegistry;
  /** Where what went well is counted, which most edges see nothing else of. */
  #successes: SeriesCell | undefined = undefined;
  #byOutcome: Map<string, SeriesCell> | undefined = undefined;

  constructor(labels: EdgeLabels, registry: SeriesRegistry) {
    this.labels = labels;
    this.#registry = registry;
  }

  /** `status` is the HTTP status that the caller got. */
  http(status: number, reason: ReasonCode | undefined): SeriesCell {
    const statusClass = Math.floor(status / 100);
    if (statusClass !== 2 || reason !== undefined)
      return this.#cell(statusClasses[statusClass] ?? "0xx", reason ?? "");
    this.#successes ??= this.#registry.admitCell(this, "2xx", "");
    return this.#successes;
  }

  tcp(reason: ReasonCode | undefined): SeriesCell {
    return this.#cell(reason === undefined ? "ok" : "error", reason ?? "");
  }

  #cell(responseClass: string, reason: string): SeriesCell {
    const key = `${responseClass} ${reason}`;
    this.#byOutcome ??= new Map();
    const known = this.#byOutcome.get(key);
    if (known !== undefined) return known;
    const cell = this.#registry.admitCell(this, responseClass, reason);
    this.#byOutcome.set(key, cell);
    return cell;
  }
}

/** 2,000 label sets cost about 1 MB idle and 5 MB busy: a tenth of what a busy sidecar holds anyway. */
const defaultMaxCells = 2_000;
/** An edge without traffic for this many reports is let go: workloads come and go, and a dead one must not hold budget for ever. */
const maxIdleReports = 720;

export class SeriesRegistry {
  readonly #maxCells: number;
  readonly #edges = new Map<string, EdgeSeries>();
  readonly #overflow = new Map<string, EdgeSeries>();
  #cellCount = 0;
  #droppedSeries = 0;

  constructor(maxCells = defaultMaxCells) {
    this.#maxCells = maxCells;
  }

  get cellCount(): number {
    return this.#cellCount;
  }

  /** Label sets that did not fit, since the start. */
  get droppedSeries(): number {
    return this.#droppedSeries;
  }

  edge(labels: EdgeLabels): EdgeSeries {
    const key = edgeKey(labels);
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    if (this.#cellCount >= this.#maxCells || this.#edges.size >= this.#maxCells) {
      this.#droppedSeries++;
      return this.#overflowFor(labels);
    }
    const created = new EdgeSeries(labels, this);
    this.#edges.set(key, created);
    return created;
  }

  *edges(): Generator<EdgeSeries> {
    yield* this.#edges.values();
    yield* this.#overflow.values();
  }

  /** Called once per report, after deltas were read. */
  evictIdle(): void {
    for (const [key, edge] of this.#edges) {
      if (edge.idleReports++ < maxIdleReports) continue;
      edge.isEvicted = true;
      this.#cellCount -= edge.cells.length;
      this.#edges.delete(key);
    }
  }

  /** Only for EdgeSeries: overflow cells are not counted, there are at most a few hundred of them by construction. */
  admitCell(edge: EdgeSeries, responseClass: string, reason: string): SeriesCell {
    const isOverflow = edge.labels.destinationService === overflowName;
    if (!isOverflow && this.#cellCount >= this.#maxCells) {
      this.#droppedSeries++;
      const overflow = this.#overflowFor(edge.labels);
      return responseClass === "ok" || responseClass === "error"
        ? overflow.tcp(undefined)
        : overflow.http(Number(responseClass[0]) * 100, undefined);
    }
    const cell = new SeriesCell(responseClass, reason);
    edge.cells.push(cell);
    if (!isOverflow) this.#cellCount++;
    return cell;
  }

  #overflowFor(labels: EdgeLabels): EdgeSeries {
    const key = `${labels.direction} ${labels.protocol}`;
    const known = this.#overflow.get(key);
    if (known !== undefined) return known;
    const created = new EdgeSeries(
      {
        direction: labels.direction,
        sourceWorkload: overflowName,
        sourceIdentity: "",
        destinationWorkload: overflowName,
        destinationIdentity: "",
        destinationService: overflowName,
        destinationPort: 0,
        destinationVersion: "",
        route: "",
        protocol: labels.protocol,
        mtls: false,
      },
      this,
    );
    this.#overflow.set(key, created);
    return created;
  }
}

const overflowName = "overflow";

function edgeKey(labels: EdgeLabels): string {
  return [
    labels.direction,
    labels.protocol,
    labels.mtls ? 1 : 0,
    labels.destinationPort,
    labels.sourceWorkload,
    labels.sourceIdentity,
    labels.destinationWorkload,
    labels.destinationIdentity,
    labels.destinationService,
    labels.destinationVersion,
    labels.route,
  ].join("\n");
}
