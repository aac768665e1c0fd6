/** All outcomes of one edge, each with its cell, found by number. */
import type { PreparedMetrics } from "../../decide/telemetry/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { EdgeLabels } from "./edge-labels.ts";
import { coarseKey, httpKey, keyParts, tcpKey, withoutParts } from "./outcome-key.ts";
import type { SeriesCell } from "./series-cell.ts";

/** Who has room for cells, or has not. */
export interface CellKeeper {
  /** Where there is no room: the overflow's. */
  admitCell(edge: EdgeSeries, key: number): SeriesCell;
  readonly hasRoom: boolean;
}

/** The edge as one policy has its labels. */
export interface EdgeView {
  readonly metrics: PreparedMetrics;
  readonly byValues: Map<string, EdgeSeries>;
}

/** Outcomes that are found at once. A peer that makes up statuses finds its cell more slowly. */
const maxKnown = 256;

/** `isEvicted` tells a holder of the handle to ask the registry again. */
export class EdgeSeries {
  readonly labels: EdgeLabels;
  readonly isOverflow: boolean;
  readonly cells: SeriesCell[] = [];
  idleReports = 0;
  /** Of the newest policy that a request of the edge was under. */
  view: EdgeView | undefined = undefined;
  readonly #keeper: CellKeeper;
  #isGone = false;
  /** The outcome that came last, which mostly is the next one too. */
  #lastKey = -1;
  #last: SeriesCell | undefined = undefined;
  /** Made with the second outcome: of thousands of routes most have one. */
  #known: Map<number, SeriesCell> | undefined = undefined;

  constructor(labels: EdgeLabels, keeper: CellKeeper, isOverflow: boolean) {
    this.labels = labels;
    this.isOverflow = isOverflow;
    this.#keeper = keeper;
  }

  /** Of a status the class alone was kept. */
  get hasClassesOnly(): boolean {
    return this.isOverflow || ((this.labels.view?.droppedParts ?? 0) & keyParts.status) !== 0;
  }

  /** The overflow stays, but whoever was sent there may ask again when there is room. */
  get isEvicted(): boolean {
    return this.#isGone || (this.isOverflow && this.#keeper.hasRoom);
  }

  evict(): void {
    this.#isGone = true;
  }

  /** `status` that the caller got; `grpcStatus` undefined: no gRPC; `method` undefined: the head could not be read. */
  http(
    method: string | undefined,
    status: number,
    grpcStatus: number | undefined,
    reason: ReasonCode | undefined,
  ): SeriesCell {
    return this.cellOf(httpKey(method, status, grpcStatus, reason));
  }

  /** `reason` undefined: connections that were opened, however they end. */
  tcp(reason: ReasonCode | undefined): SeriesCell {
    return this.cellOf(tcpKey(reason));
  }

  /** By an outcome's key. */
  cellOf(key: number): SeriesCell {
    if (key === this.#lastKey && this.#last !== undefined) return this.#last;
    const cell = this.#known?.get(key) ?? this.#find(key);
    this.#lastKey = key;
    this.#last = cell;
    return cell;
  }

  #find(key: number): SeriesCell {
    const narrow = this.#narrow(key);
    const cell = this.cells.find((each) => each.key === narrow) ?? this.#keeper.admitCell(this, narrow);
    if (this.#last !== undefined) {
      this.#known ??= new Map();
      if (this.#known.size < maxKnown) this.#known.set(key, cell);
    }
    return cell;
  }

  #narrow(key: number): number {
    if (this.isOverflow) return coarseKey(key);
    const parts = this.labels.view?.droppedParts ?? 0;
    if (parts === 0) return key;
    // Connections that failed are not those that were opened, whatever else is told of them.
    const isTcp = this.labels.protocol === "tcp";
    return isTcp && (parts & keyParts.reason) !== 0 ? coarseKey(key) : withoutParts(key, parts);
  }

  /** What was found is looked for anew: there is room again, or less than there was. */
  forget(): void {
    this.#lastKey = -1;
    this.#last = undefined;
    this.#known = undefined;
  }
}
