/**
 * Writes conditions into objects: the newest per object, in batches, one after another. Only what changes a stored
 * status is written. Bounded by the number of objects, since a newer status takes the place of one that waits.
 */
import { keyOf, parseObject, weftControllerName } from "../api/index.ts";
import { type ComputedCondition, mergeStatus, type StatusUpdate, withCondition } from "../compile/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../kernel/index.ts";
import type { OperationalWrite, Store } from "../store/index.ts";
import type { Lead } from "./lead.ts";

/** Whoever made a change waits for proxies, and those need the processor: what is said of it comes after, and once for a burst. */
const gatherMs = 100;
/** A store that cannot write now (disk full) is asked again after this long. */
const retryDelayMs = 2_000;
/** One write holds the store's lock: more objects than this go in several. */
const maxBatch = 200;

export class StatusQueue {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lead: Lead | undefined;
  readonly #unsubscribe: () => void;
  readonly #pending = new Map<string, StatusUpdate>();
  readonly #additions = new Set<(update: StatusUpdate) => ComputedCondition | undefined>();
  #writing: Promise<void> | undefined;
  #gathering: Timer | undefined;
  #retry: Timer | undefined;
  #isClosed = false;

  /** Of several control planes the leading one writes; the others keep what they would write. */
  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly log: Log;
    readonly lead?: Lead | undefined;
  }) {
    this.#store = options.store;
    this.#lead = options.lead;
    this.#unsubscribe = options.lead?.onChange(() => this.#gather()) ?? (() => {});
    this.#clock = options.clock;
    this.#log = options.log;
  }

  add(updates: readonly StatusUpdate[]): void {
    if (this.#isClosed) return;
    for (const update of updates)
      this.#pending.set(`${update.kind} ${update.namespace}/${update.name}`, update);
    this.#gather();
  }

  /** What somebody else than the compiler has to say of an object, asked when its status is written. Returns the way out. */
  addTo(addition: (update: StatusUpdate) => ComputedCondition | undefined): () => void {
    this.#additions.add(addition);
    return () => void this.#additions.delete(addition);
  }

  /** What is gathered is written at once. Resolves when nothing waits, or writing has failed and waits for its next try. */
  async idle(): Promise<void> {
    if (this.#gathering !== undefined) this.#start();
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#retry?.cancel();
    await this.idle();
  }

  #gather(): void {
    if (this.#gathering !== undefined || this.#writing !== undefined || this.#retry !== undefined) return;
    if (this.#pending.size === 0 || this.#isClosed || this.#lead?.isLeading() === false) return;
    this.#gathering = this.#clock.after(gatherMs, () => this.#start());
  }

  #start(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      // What came after the last look.
      this.#gather();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.size > 0 && this.#lead?.isLeading() !== false) {
      const batch = [...this.#pending].slice(0, maxBatch);
      for (const [key] of batch) this.#pending.delete(key);
      const writes = batch.flatMap(([, update]) => this.#toWrite(update) ?? []);
      if (writes.length === 0) continue;
      try {
        await this.#store.writeOperational(writes);
      } catch (error) {
        this.#log.warn("status could not be written; trying again", {
          error: errorLine(error),
          objects: writes.length,
        });
        // What came meanwhile is newer and stays.
        for (const [key, update] of batch) if (!this.#pending.has(key)) this.#pending.set(key, update);
        this.#retryLater();
        return;
      }
    }
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retry = this.#clock.after(retryDelayMs, () => {
      this.#retry = undefined;
      this.#gather();
    });
  }

  #toWrite(update: StatusUpdate): OperationalWrite | undefined {
    const stored = this.#store.get({ kind: update.kind, namespace: update.namespace, name: update.name });
    // Gone, or changed again: then its own compilation brings the next status.
    if (stored === undefined || stored.metadata.generation !== update.observedGeneration) return undefined;
    const now = new Date(this.#clock.nowMs()).toISOString();
    const more = [...this.#additions].flatMap((addition) => addition(update) ?? []);
    const status = mergeStatus(stored.status, more.reduce(withCondition, update), weftControllerName, now);
    if (status === undefined) return undefined;
    const parsed = parseObject({ ...stored, status }, "read");
    if ("issues" in parsed) {
      this.#log.error("a computed status does not fit its schema", {
        object: `${update.kind} ${keyOf(stored).namespace}/${keyOf(stored).name}`,
        problem: parsed.issues[0]?.message,
      });
      return undefined;
    }
    return { type: "status", object: parsed.object };
  }
}
