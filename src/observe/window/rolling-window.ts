/**
 * What was counted in the last minutes or hours: a ring of slots of equal length, each with the cells of the series that
 * were counted in it. The open slot is cells that count; closed ones are compressed bytes, in memory or, the older
 * ones, on disk alone. Bounded in series and in bytes; filed under the time of arrival.
 *
 *   open --its time is over--> closed, in memory --written--> on disk --older than the window--> gone
 */
import { type Clock, errorLine, type Log, silentLog } from "../../kernel/index.ts";
import { SlotCell } from "./slot-cell.ts";
import { compressSlot, OpenReading } from "./slot-content.ts";
import { type CellReading, decodeSlot } from "./slot-encoding.ts";
import type { SlotStore } from "./slot-file.ts";

export interface RollingWindowOptions<L> {
  readonly clock: Clock;
  readonly slotMs: number;
  readonly slots: number;
  /** Distinct series in the window; beyond, `entry` says undefined. */
  readonly maxSeries: number;
  /**
   * Of closed slots, in memory and on disk: a slot that takes more than its share keeps durations in coarser buckets. Beyond,
   * the oldest go.
   */
  readonly maxBytes: number;
  readonly keyOf: (labels: L) => string;
  readonly disk?: WindowDisk<L> | undefined;
  readonly log?: Log;
}

export interface WindowDisk<L> {
  readonly store: SlotStore;
  /** Newest slots that stay in memory too. */
  readonly memorySlots: number;
  /** Of what `JSON.stringify` wrote; undefined where it is not what it was. */
  readonly readLabels: (json: unknown) => L | undefined;
}

export interface WindowEntry<L> {
  readonly id: number;
  readonly labels: L;
  /** Of the open slot; undefined: nothing was counted in it. */
  cell: SlotCell | undefined;
  lastMs: number;
  isStored: boolean;
  /** Nothing was counted for a whole window: whoever holds this asks `entry` again. */
  isGone: boolean;
}

/** What a question is about, in whole slots. */
export interface Span {
  readonly fromMs: number;
  /** The first moment that is not in it. */
  readonly toMs: number;
  /** What the slots really cover. */
  readonly coveredMs: number;
}

interface ClosedSlot {
  readonly startMs: number;
  /** Undefined: on disk. */
  content: Uint8Array | undefined;
  isWritten: boolean;
}

/** The first report tells of the time since its proxy started: over less than this a rate means nothing. */
const minCoveredMs = 1_000;

export class RollingWindow<L> {
  readonly slotMs: number;
  readonly #options: RollingWindowOptions<L>;
  readonly #log: Log;
  readonly #entries = new Map<string, WindowEntry<L>>();
  readonly #byId = new Map<number, WindowEntry<L>>();
  readonly #spare: SlotCell[] = [];
  readonly #forgotten: number[] = [];
  /** Oldest first. */
  readonly #closed: ClosedSlot[] = [];
  /** Those that have a cell. */
  #counted: WindowEntry<L>[] = [];
  #openMs: number;
  #beganMs: number;
  #nextId = 1;
  #memoryBytes = 0;
  #sweptMs: number;
  /** Why nothing can be written; undefined: it can, or nobody wants it. */
  #diskProblem: string | undefined;

  constructor(options: RollingWindowOptions<L>) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.slotMs = options.slotMs;
    this.#beganMs = options.clock.nowMs();
    this.#openMs = this.#startOf(this.#beganMs);
    this.#sweptMs = this.#beganMs;
    if (options.disk !== undefined) this.#load(options.disk);
  }

  get longestMs(): number {
    return this.#options.slots * this.slotMs;
  }

  get maxSeries(): number {
    return this.#options.maxSeries;
  }

  get seriesCount(): number {
    return this.#entries.size;
  }

  /** Of closed slots in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  get diskProblem(): string | undefined {
    return this.#diskProblem;
  }

  /** Undefined where it is a new one and there are `max` already. */
  entry(labels: L, max = this.#options.maxSeries): WindowEntry<L> | undefined {
    const key = this.#options.keyOf(labels);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    return this.#entries.size < max ? this.#create(key, labels) : undefined;
  }

  /** For overflow alone, of which there are few by construction: there is always room for it. */
  entryAlways(labels: L): WindowEntry<L> {
    const key = this.#options.keyOf(labels);
    return this.#entries.get(key) ?? this.#create(key, labels);
  }

  /** Ends the open slot where its time is over. Before counting, and before reading. */
  roll(): void {
    const nowMs = this.#options.clock.nowMs();
    const startMs = this.#startOf(nowMs);
    // A clock that was set back must not open a slot before the last one.
    if (startMs > this.#openMs) {
      this.#close();
      this.#openMs = startMs;
    }
    this.#expire(nowMs);
  }

  /** Where the open slot counts a series. Valid until `roll`. */
  cell(entry: WindowEntry<L>): SlotCell {
    if (entry.cell !== undefined) return entry.cell;
    entry.cell = this.#spare.pop() ?? new SlotCell();
    entry.lastMs = this.#openMs;
    this.#counted.push(entry);
    return entry.cell;
  }

  /** The last `windowMs` before `endMs`, at least one slot of it. Absent: until now. */
  span(windowMs: number, endMs?: number): Span {
    const nowMs = this.#options.clock.nowMs();
    const { slotMs } = this;
    const bounded = Math.min(Math.max(windowMs, slotMs), this.longestMs);
    const isUntilNow = endMs === undefined || endMs >= nowMs;
    const toMs = isUntilNow ? Math.max(nowMs, this.#openMs) + 1 : Math.ceil(endMs / slotMs) * slotMs;
    // Rounded up, so that no slot holds counts from before the window.
    const fromMs = isUntilNow
      ? Math.min(Math.ceil((nowMs - bounded) / slotMs) * slotMs, this.#startOf(nowMs))
      : toMs - Math.ceil(bounded / slotMs) * slotMs;
    // Nothing was counted before the start: a rate over that time would be too low.
    const coveredMs = Math.min(nowMs, toMs) - Math.max(fromMs, this.#beganMs);
    return { fromMs, toMs, coveredMs: Math.max(coveredMs, minCoveredMs) };
  }

  /** Every cell of the slots that begin in the span, oldest slot first. */
  read(span: Span, visit: (labels: L, cell: CellReading, startMs: number) => void): void {
    this.roll();
    for (const slot of this.#closed) {
      if (slot.startMs < span.fromMs || slot.startMs >= span.toMs) continue;
      const content = slot.content ?? this.#readBack(slot);
      if (content !== undefined) this.#decode(slot, content, visit);
    }
    if (this.#openMs < span.fromMs || this.#openMs >= span.toMs) return;
    const reading = new OpenReading();
    for (const { labels, cell } of this.#counted) {
      if (cell !== undefined) visit(labels, reading.of(cell), this.#openMs);
    }
  }

  /** Writes what is open, as far as it goes. */
  close(): void {
    if (this.#options.disk === undefined) return;
    this.#close();
  }

  #create(key: string, labels: L): WindowEntry<L> {
    const id = this.#nextId++;
    const entry = { id, labels, cell: undefined, lastMs: this.#openMs, isStored: false, isGone: false };
    this.#entries.set(key, entry);
    this.#byId.set(id, entry);
    return entry;
  }

  #startOf(ms: number): number {
    return Math.floor(ms / this.slotMs) * this.slotMs;
  }

  #close(): void {
    if (this.#counted.length === 0) return;
    const counted = this.#counted.toSorted((a, b) => a.id - b.id);
    this.#counted = [];
    const cells = counted.flatMap(({ id, cell }): [number, SlotCell][] =>
      cell === undefined ? [] : [[id, cell]],
    );
    const content = compressSlot(cells, this.#options.maxBytes / this.#options.slots);
    for (const entry of counted) {
      if (entry.cell === undefined) continue;
      entry.cell.clear();
      this.#spare.push(entry.cell);
      entry.cell = undefined;
    }
    this.#closed.push({ startMs: this.#openMs, content, isWritten: false });
    this.#memoryBytes += content.length;
    this.#write();
    this.#boundMemory();
  }

  /** Of what is on disk the newest slots stay in memory, of the rest as many as there is room for. */
  #boundMemory(): void {
    const { disk, maxBytes } = this.#options;
    if (disk !== undefined) {
      for (const slot of this.#closed.slice(0, -disk.memorySlots)) if (slot.isWritten) this.#letGo(slot);
    }
    while (this.#memoryBytes > maxBytes) {
      const oldest = this.#closed.findIndex(({ content }) => content !== undefined);
      const slot = this.#closed[oldest];
      if (slot === undefined) return;
      this.#letGo(slot);
      if (!slot.isWritten) {
        this.#closed.splice(oldest, 1);
        this.#beganMs = Math.max(this.#beganMs, slot.startMs + this.slotMs);
      }
    }
  }

  #letGo(slot: ClosedSlot): void {
    this.#memoryBytes -= slot.content?.length ?? 0;
    slot.content = undefined;
  }

  #expire(nowMs: number): void {
    const oldestMs = Math.max(nowMs, this.#openMs) - this.longestMs;
    let first = this.#closed[0];
    while (first !== undefined && (this.#closed.length > this.#options.slots || first.startMs < oldestMs)) {
      this.#letGo(first);
      this.#closed.shift();
      first = this.#closed[0];
    }
    this.#beganMs = Math.max(this.#beganMs, Math.min(oldestMs, nowMs));
    if (nowMs - this.#sweptMs < this.longestMs / 4) return;
    this.#sweptMs = nowMs;
    for (const [key, entry] of this.#entries) {
      if (entry.lastMs >= oldestMs || entry.cell !== undefined) continue;
      entry.isGone = true;
      this.#entries.delete(key);
      this.#byId.delete(entry.id);
      if (entry.isStored) this.#forgotten.push(entry.id);
    }
  }

  #write(): void {
    const { disk } = this.#options;
    if (disk === undefined) return;
    const slots = this.#closed.filter(({ isWritten }) => !isWritten);
    const series = [...this.#byId.values()].filter(({ isStored }) => !isStored);
    try {
      disk.store.write({
        slots: slots.flatMap(({ startMs, content }) => (content === undefined ? [] : [{ startMs, content }])),
        series: series.map(({ id, labels }) => ({ id, labels: JSON.stringify(labels) })),
        forgottenSeries: this.#forgotten,
        oldestMs: this.#openMs - this.longestMs,
      });
    } catch (error) {
      this.#failed(errorLine(error));
      return;
    }
    if (this.#diskProblem !== undefined) this.#log.info("golden signals are written to the disk again");
    this.#diskProblem = undefined;
    this.#forgotten.length = 0;
    for (const slot of slots) slot.isWritten = true;
    for (const entry of series) entry.isStored = true;
  }

  #failed(error: string): void {
    if (this.#diskProblem === undefined) {
      this.#log.error("golden signals cannot be kept on disk; they stay in memory until they can", { error });
    }
    this.#diskProblem = error;
  }

  #readBack(slot: ClosedSlot): Uint8Array | undefined {
    try {
      return this.#options.disk?.store.read(slot.startMs);
    } catch (error) {
      this.#failed(errorLine(error));
      return undefined;
    }
  }

  #decode(
    slot: ClosedSlot,
    content: Uint8Array,
    visit: (labels: L, cell: CellReading, startMs: number) => void,
  ): void {
    const { startMs } = slot;
    let bytes: Uint8Array;
    try {
      bytes = Bun.zstdDecompressSync(content);
    } catch (error) {
      this.#failed(errorLine(error));
      return;
    }
    try {
      decodeSlot(bytes, (id, cell) => {
        const entry = this.#byId.get(id);
        if (entry !== undefined) visit(entry.labels, cell, startMs);
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#failed(errorLine(error));
    }
  }

  #load(disk: WindowDisk<L>): void {
    const nowMs = this.#options.clock.nowMs();
    try {
      disk.store.forgetAfter(this.#openMs);
      for (const { id, labels } of disk.store.series()) this.#loadSeries(disk, id, labels);
      const oldestMs = nowMs - this.longestMs;
      for (const startMs of disk.store.slots()) {
        if (startMs >= oldestMs) this.#closed.push({ startMs, content: undefined, isWritten: true });
      }
    } catch (error) {
      this.#failed(errorLine(error));
      return;
    }
    this.#beganMs = Math.min(this.#beganMs, this.#closed[0]?.startMs ?? this.#beganMs);
    this.#reopen();
  }

  #loadSeries(disk: WindowDisk<L>, id: number, json: string): void {
    let labels: L | undefined;
    try {
      labels = disk.readLabels(JSON.parse(json));
    } catch {
      labels = undefined;
    }
    this.#nextId = Math.max(this.#nextId, id + 1);
    if (labels === undefined) return;
    const key = this.#options.keyOf(labels);
    if (this.#entries.has(key)) return;
    const entry = { id, labels, cell: undefined, lastMs: this.#openMs, isStored: true, isGone: false };
    this.#entries.set(key, entry);
    this.#byId.set(id, entry);
  }

  /** A control plane that was away for a moment goes on with the slot that it left. */
  #reopen(): void {
    const last = this.#closed.at(-1);
    if (last === undefined || last.startMs !== this.#openMs) return;
    const content = this.#readBack(last);
    if (content === undefined) return;
    this.#closed.pop();
    this.#decode(last, content, (labels, reading) => {
      const entry = this.entry(labels);
      if (entry === undefined) return;
      const cell = this.cell(entry);
      cell.count = reading.count;
      cell.requestBytes = reading.requestBytes;
      cell.responseBytes = reading.responseBytes;
      reading.mergeInto(cell.durations);
    });
  }
}
