/**
 * Golden signals by edge: who called whom, over which route, with what outcome. Handles are resolved once and cached by
 * their users; the number of label sets is bounded and what does not fit is counted under one name, "overflow".
 */
import type { PreparedMetrics, TelemetryFacts } from "../../decide/telemetry/index.ts";
import { edgeKey, type EdgeLabels, overflowLabels } from "./edge-labels.ts";
import { type CellKeeper, EdgeSeries } from "./edge-series.ts";
import type { edgeUnder } from "./label-views.ts";
import { SeriesCell } from "./series-cell.ts";
import { SizeCounts } from "./size-counts.ts";

/** 2,000 label sets cost about 1 MB idle and 5 MB busy: a tenth of what a busy sidecar holds anyway. */
const defaultMaxSeries = 2_000;
/** A label set without traffic for this many reports is let go: workloads come and go, and a dead one must not hold budget for ever. */
const maxIdleReports = 720;

export class SeriesRegistry implements CellKeeper {
  #maxSeries: number;
  readonly #edges = new Map<string, EdgeSeries>();
  readonly #overflow = new Map<string, EdgeSeries>();
  #cellCount = 0;
  #droppedSeries = 0;
  /** Some edge has cells of the overflow in its memory. */
  #isLending = false;
  #newestMetrics: PreparedMetrics | undefined = undefined;
  #edgeUnder: typeof edgeUnder | undefined = undefined;

  constructor(maxSeries = defaultMaxSeries) {
    this.#maxSeries = maxSeries;
  }

  /** How many label sets there may be. Those that are there stay. 0: the default. */
  configure({ maxSeries }: Pick<PreparedMetrics, "maxSeries">): void {
    this.#maxSeries = maxSeries > 0 ? maxSeries : defaultMaxSeries;
    this.#lendNoMore();
  }

  get cellCount(): number {
    return this.#cellCount;
  }

  get maxSeries(): number {
    return this.#maxSeries;
  }

  /** Label sets that did not fit, since the start. */
  get droppedSeries(): number {
    return this.#droppedSeries;
  }

  get hasRoom(): boolean {
    return this.#cellCount < this.#maxSeries && this.#edges.size < this.#maxSeries;
  }

  edge(labels: EdgeLabels): EdgeSeries {
    const key = edgeKey(labels);
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    if (!this.hasRoom) {
      this.#droppedSeries++;
      return this.#overflowFor(labels);
    }
    const created = new EdgeSeries(labels, this, false);
    this.#edges.set(key, created);
    return created;
  }

  /** Where the exchange is counted as the policy's labels have it. `facts` are asked for where labels are added; absent: those stay empty. */
  under(edge: EdgeSeries, metrics: PreparedMetrics, facts?: () => TelemetryFacts): EdgeSeries {
    if (metrics !== this.#newestMetrics) {
      this.#newestMetrics = metrics;
      if (metrics.maxSeries > 0 && metrics.maxSeries !== this.#maxSeries) this.configure(metrics);
    }
    this.#edgeUnder ??= loadEdgeUnder();
    return this.#edgeUnder(this, edge, { metrics, facts });
  }

  *edges(): Generator<EdgeSeries> {
    yield* this.#edges.values();
    yield* this.#overflow.values();
  }

  /** Called once per report, after deltas were read. */
  evictIdle(): void {
    let hasEvicted = false;
    for (const [key, edge] of this.#edges) {
      const isLess = this.#evictCells(edge);
      hasEvicted ||= isLess;
      if (edge.cells.length > 0) edge.idleReports = 0;
      else if (isLess || edge.idleReports++ >= maxIdleReports) {
        edge.evict();
        this.#edges.delete(key);
        hasEvicted = true;
      }
    }
    if (hasEvicted) this.#lendNoMore();
  }

  /** Only for EdgeSeries: overflow cells are not counted, there are at most a few dozen of them by construction. */
  admitCell(edge: EdgeSeries, key: number): SeriesCell {
    if (!edge.isOverflow && this.#cellCount >= this.#maxSeries) {
      this.#droppedSeries++;
      this.#isLending = true;
      return this.#overflowFor(edge.labels).cellOf(key);
    }
    const cell = new SeriesCell(key);
    if (edge.labels.view?.hasIstioNames === true) cell.sizes = new SizeCounts();
    edge.cells.push(cell);
    if (!edge.isOverflow) this.#cellCount++;
    return cell;
  }

  /** Whether some went. Those of connections that are open stay. */
  #evictCells(edge: EdgeSeries): boolean {
    const isTcp = edge.labels.protocol === "tcp";
    const isIdle = (cell: SeriesCell): boolean =>
      cell.idleReports >= maxIdleReports && !(isTcp && cell.key === 0 && cell.openNow > 0);
    const before = edge.cells.length;
    for (let i = before - 1; i >= 0; i--) {
      const cell = edge.cells[i];
      if (cell === undefined) continue;
      if (isIdle(cell)) edge.cells.splice(i, 1);
      else cell.idleReports++;
    }
    if (edge.cells.length === before) return false;
    this.#cellCount -= before - edge.cells.length;
    edge.forget();
    return true;
  }

  /** There is room: what was counted under the overflow is looked at anew. */
  #lendNoMore(): void {
    if (!this.#isLending || !this.hasRoom) return;
    this.#isLending = false;
    for (const edge of this.#edges.values()) edge.forget();
  }

  #overflowFor(labels: EdgeLabels): EdgeSeries {
    const key = `${labels.direction} ${labels.protocol}`;
    const known = this.#overflow.get(key);
    if (known !== undefined) return known;
    const created = new EdgeSeries(overflowLabels(labels), this, true);
    this.#overflow.set(key, created);
    return created;
  }
}

/** Loaded with the first policy that says something of metrics. */
function loadEdgeUnder(): typeof edgeUnder {
  const loaded: { readonly edgeUnder: typeof edgeUnder } = require("./label-views.ts");
  return loaded.edgeUnder;
}
