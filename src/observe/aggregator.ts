/**
 * The golden signals of the last minutes, in memory: a ring of short slots, each with the cells of the series that
 * were reported in it. Reports are filed under the time of their arrival, since proxies' clocks differ. Bounded in
 * series and in cells; what does not fit is counted in one overflow series, never dropped silently.
 */
import type { Clock } from "../kernel/index.ts";
import type { EdgeDelta, TelemetryReport } from "../wire/index.ts";
import { Cell } from "./cell.ts";
import { overflowSeries, readSeries, type Series, seriesKey } from "./series.ts";
import { Totals } from "./totals.ts";

export interface AggregatorOptions {
  readonly clock: Clock;
  /** Default 5 s. */
  readonly slotMs?: number;
  /** How far back queries can look: 120 slots of 5 s are ten minutes. */
  readonly slots?: number;
  /** Distinct series in one slot. A mesh of 500 services with 5 callers each and 3 response classes has 7,500. */
  readonly maxSeriesPerSlot?: number;
  /** Cells in all slots together, about 300 bytes each: 60 MB at most. */
  readonly maxCells?: number;
}

export interface CellOfSeries {
  readonly series: Series;
  readonly cell: Cell;
}

export interface WindowContent {
  /** Newest slot last. One entry for each series and slot. */
  readonly cells: readonly CellOfSeries[];
  /** What the slots really cover up to now. */
  readonly coveredMs: number;
  readonly endMs: number;
}

interface Slot {
  readonly startMs: number;
  readonly cells: Map<string, CellOfSeries>;
}

const defaultSlotMs = 5_000;
const defaultSlots = 120;
const defaultMaxSeriesPerSlot = 10_000;
const defaultMaxCells = 200_000;
/** The first report tells of the time since its proxy started: over less than this a rate means nothing. */
const minCoveredMs = 1_000;
/** More edges than this in one report are not read; proxies send at most 2,000. */
const maxEdgesPerReport = 10_000;

export class Aggregator {
  readonly slotMs: number;
  readonly totals = new Totals();
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #maxSlots: number;
  readonly #maxSeriesPerSlot: number;
  readonly #maxCells: number;
  /** Oldest first. */
  readonly #slots: Slot[] = [];
  #cellCount = 0;
  #droppedSeries = 0;
  #refusedEdges = 0;

  constructor(options: AggregatorOptions) {
    this.#clock = options.clock;
    this.#startedMs = options.clock.nowMs();
    this.slotMs = options.slotMs ?? defaultSlotMs;
    this.#maxSlots = options.slots ?? defaultSlots;
    this.#maxSeriesPerSlot = options.maxSeriesPerSlot ?? defaultMaxSeriesPerSlot;
    this.#maxCells = options.maxCells ?? defaultMaxCells;
  }

  /** Series that did not fit a proxy's own budget, as proxies reported, plus those that did not fit this one's. */
  get droppedSeries(): number {
    return this.#droppedSeries;
  }

  /** Edges that were not the reporter's to report, or unreadable. */
  get refusedEdges(): number {
    return this.#refusedEdges;
  }

  get cellCount(): number {
    return this.#cellCount;
  }

  get longestWindowMs(): number {
    return this.#maxSlots * this.slotMs;
  }

  /** `reporter` is the identity that the sender proved: it can speak for its own side of an edge only. */
  add(report: TelemetryReport, reporter: string): void {
    const slot = this.#currentSlot();
    this.#droppedSeries += Math.min(Number(report.droppedSeries), Number.MAX_SAFE_INTEGER);
    for (const edge of report.edges.slice(0, maxEdgesPerReport)) {
      const series = readSeries(edge);
      const own = series?.direction === "outbound" ? series.sourceIdentity : series?.destinationIdentity;
      if (series === undefined || own !== reporter) this.#refusedEdges++;
      else {
        this.#addTo(slot, series, edge);
        this.totals.add(series, edge);
      }
    }
    this.#refusedEdges += Math.max(0, report.edges.length - maxEdgesPerReport);
  }

  /** Whole slots of the last `windowMs`, at least the current one. */
  window(windowMs: number): WindowContent {
    const nowMs = this.#clock.nowMs();
    this.#expire(nowMs);
    const bounded = Math.min(Math.max(windowMs, this.slotMs), this.longestWindowMs);
    // Rounded up, so that no slot holds counts from before the window.
    const firstMs = Math.min(
      Math.ceil((nowMs - bounded) / this.slotMs) * this.slotMs,
      Math.floor(nowMs / this.slotMs) * this.slotMs,
    );
    const cells = this.#slots
      .filter((slot) => slot.startMs >= firstMs)
      .flatMap((slot) => [...slot.cells.values()]);
    // Nothing was counted before the start: a rate over that time would be too low.
    const coveredMs = nowMs - Math.max(firstMs, this.#startedMs);
    return { cells, coveredMs: Math.max(coveredMs, minCoveredMs), endMs: nowMs };
  }

  #addTo(slot: Slot, series: Series, edge: EdgeDelta): void {
    const key = seriesKey(series);
    const known = slot.cells.get(key);
    if (known !== undefined) {
      known.cell.add(edge);
    } else if (slot.cells.size < this.#maxSeriesPerSlot && this.#cellCount < this.#maxCells) {
      this.#addCell(slot, key, series).add(edge);
    } else {
      this.#droppedSeries++;
      const overflow = overflowSeries(series.protocol);
      const overflowKey = seriesKey(overflow);
      const cell = slot.cells.get(overflowKey)?.cell ?? this.#addCell(slot, overflowKey, overflow);
      cell.add(edge);
    }
  }

  #addCell(slot: Slot, key: string, series: Series): Cell {
    const cell = new Cell();
    slot.cells.set(key, { series, cell });
    this.#cellCount++;
    return cell;
  }

  #currentSlot(): Slot {
    const nowMs = this.#clock.nowMs();
    this.#expire(nowMs);
    const startMs = Math.floor(nowMs / this.slotMs) * this.slotMs;
    const last = this.#slots.at(-1);
    // A clock that was set back must not open a slot before the last one.
    if (last !== undefined && last.startMs >= startMs) return last;
    const slot: Slot = { startMs, cells: new Map() };
    this.#slots.push(slot);
    return slot;
  }

  #expire(nowMs: number): void {
    const oldestMs = nowMs - this.longestWindowMs;
    while (this.#slots.length > this.#maxSlots || (this.#slots[0]?.startMs ?? oldestMs) < oldestMs) {
      this.#cellCount -= this.#slots.shift()?.cells.size ?? 0;
    }
  }
}
