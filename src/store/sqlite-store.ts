/**
 * The store on one machine: SQLite for what must survive, memory for what is read. A write is in memory and told to
 * watchers only after it is on the disk; when that fails nothing has changed, and the error says what to do.
 */
import type { Database } from "bun:sqlite";
import { randomUUID } from "node:crypto";
import { type ApiObject, keyOf, type KindName, type ObjectKey, type StoredOfKind } from "../api/index.ts";
import { type Clock, type Log, WeftError } from "../kernel/index.ts";
import { ObjectIndex } from "./object-index.ts";
import { checkPlannedOn, type Plan, planWrites } from "./plan-writes.ts";
import { openDatabase } from "./sqlite-database.ts";
import { type SqliteFailure, sqliteFailure, storeError } from "./sqlite-errors.ts";
import { SqliteRows } from "./sqlite-rows.ts";
import type {
  Change,
  Commit,
  CommitOptions,
  CommitResult,
  Listing,
  ListSelector,
  OperationalWrite,
  Store,
  WatchEvent,
  Write,
  WriteResult,
} from "./store.ts";
import { Watchers } from "./watchers.ts";

/** Enough for a watcher to come back after minutes away; beyond it lists again. */
const defaultRetainedEvents = 20_000;
/** Years of daily work; one revision costs what it changed, twice. */
const defaultRetainedRevisions = 10_000;
const maxHistoryPage = 1000;

export interface SqliteStoreOptions {
  /** A file, or ":memory:". */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly newUid?: () => string;
  readonly retainedEvents?: number;
  readonly retainedRevisions?: number;
  readonly maxPages?: number;
}

/** Throws WeftError io where the file is corrupt, in use, or of a newer format; permission where it cannot be opened. */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options);
}

class SqliteStore implements Store {
  readonly #database: Database;
  readonly #rows: SqliteRows;
  readonly #index = new ObjectIndex();
  readonly #watchers: Watchers;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #newUid: () => string;
  readonly #retainedEvents: number;
  readonly #retainedRevisions: number;
  #revision: number;
  #sequence: number;
  #anchor: string | undefined;
  /** After the disk failed it is unknown what is on it: no write until a restart has looked. */
  #failure: SqliteFailure | undefined;
  #isClosed = false;

  constructor(options: SqliteStoreOptions) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#newUid = options.newUid ?? randomUUID;
    this.#retainedEvents = options.retainedEvents ?? defaultRetainedEvents;
    this.#retainedRevisions = options.retainedRevisions ?? defaultRetainedRevisions;
    this.#database = openDatabase({
      path: options.path,
      nowMs: options.clock.nowMs(),
      maxPages: options.maxPages,
    });
    try {
      this.#rows = new SqliteRows(this.#database);
      this.#revision = this.#rows.counter("revision");
      this.#sequence = this.#rows.counter("sequence");
      this.#anchor = this.#rows.anchor();
      for (const object of this.#rows.objects()) this.#index.put(keyOf(object), object);
    } catch (error) {
      this.#database.close();
      throw this.#foreign(error);
    }
    this.#watchers = new Watchers({
      sequence: this.#sequence,
      readAfter: (sequence) => this.#rows.eventsAfter(sequence),
      log: options.log,
    });
  }

  get revision(): number {
    return this.#revision;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get anchor(): string | undefined {
    return this.#anchor;
  }

  setAnchor(anchor: string): void {
    this.#refuseWhenClosed();
    this.#inTransaction(() => this.#rows.setAnchor(anchor));
    this.#anchor = anchor;
  }

  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined {
    return this.#index.get(key);
  }

  list<K extends KindName>(selector: ListSelector<K>): Listing<K> {
    return { items: this.#index.list(selector), sequence: this.#sequence };
  }

  async commit(writes: readonly Write[], meta: CommitOptions): Promise<CommitResult> {
    checkPlannedOn(meta.plannedOn, this.#revision);
    const plan = this.#plan(writes, "commit");
    const revision = plan.changes.length === 0 ? this.#revision : this.#revision + 1;
    this.#write(plan, revision, meta);
    return { revision, sequence: this.#sequence, objects: plan.objects };
  }

  async writeOperational(writes: readonly OperationalWrite[]): Promise<WriteResult> {
    const plan = this.#plan(writes, "operational");
    this.#write(plan, this.#revision, undefined);
    return { sequence: this.#sequence, objects: plan.objects };
  }

  async history(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<readonly Commit[]> {
    return this.#reading(() => this.#rows.commits(Math.min(Math.max(0, limit), maxHistoryPage), before));
  }

  async objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone"> {
    return this.#reading(() => {
      const oldest = this.#rows.oldestRevision();
      if (oldest !== undefined && revision < oldest - 1) return "gone";
      const last = this.#rows.changeOf(key, revision, "atOrBefore");
      if (last !== undefined) return last.after;
      const next = this.#rows.changeOf(key, revision, "after");
      return next === undefined ? this.#index.get(key) : next.before;
    });
  }

  async changesBetween(from: number, to: number): Promise<readonly Change[] | "gone"> {
    return this.#reading(() => {
      const oldest = this.#rows.oldestRevision();
      if (oldest !== undefined && from < oldest - 1) return "gone";
      return this.#rows.changesBetween(from, to);
    });
  }

  watch(fromSequence: number, listener: (events: readonly WatchEvent[]) => void): (() => void) | "gone" {
    this.#refuseWhenClosed();
    if (fromSequence < this.#sequence) {
      const oldest = this.#reading(() => this.#rows.oldestEvent());
      if (oldest === undefined || fromSequence < oldest - 1) return "gone";
    }
    return this.#watchers.add(fromSequence, listener);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watchers.clear();
    this.#database.close();
  }

  #plan(writes: readonly OperationalWrite[], mode: "commit" | "operational"): Plan {
    this.#refuseWhenClosed();
    if (this.#failure !== undefined) throw storeError(this.#failure, this.#path);
    return planWrites(writes, {
      mode,
      current: (key) => this.#index.get(key),
      sequence: this.#sequence,
      nowMs: this.#clock.nowMs(),
      newUid: this.#newUid,
    });
  }

  /** Disk first, then memory, then watchers. */
  #write({ changes }: Plan, revision: number, meta: CommitOptions | undefined): void {
    if (changes.length === 0) return;
    const events = changes.map(({ type, key, object }, index) => ({
      type,
      key,
      object,
      revision,
      sequence: this.#sequence + index + 1,
    }));
    const sequence = this.#sequence + changes.length;
    this.#inTransaction(() => {
      for (const [index, change] of changes.entries())
        this.#rows.write(change, this.#sequence + index + 1, revision);
      this.#rows.setCounter("sequence", sequence);
      if (meta !== undefined) {
        this.#rows.writeRevision(revision, meta, this.#clock.nowMs(), changes);
        this.#rows.setCounter("revision", revision);
        if (meta.anchor !== undefined) this.#rows.setAnchor(meta.anchor);
      }
      this.#rows.prune(sequence - this.#retainedEvents + 1, revision - this.#retainedRevisions + 1);
    });
    for (const change of changes) this.#index.apply(change);
    this.#sequence = sequence;
    this.#revision = revision;
    this.#anchor = meta?.anchor ?? this.#anchor;
    this.#watchers.publish(events);
  }

  #inTransaction(action: () => void): void {
    try {
      this.#database.run("BEGIN IMMEDIATE");
      action();
      this.#database.run("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw this.#foreign(error);
    }
  }

  #rollBack(): void {
    try {
      if (this.#database.inTransaction) this.#database.run("ROLLBACK");
    } catch (error) {
      this.#failure = sqliteFailure(error) ?? "io";
    }
  }

  #reading<T>(action: () => T): T {
    this.#refuseWhenClosed();
    try {
      return action();
    } catch (error) {
      throw this.#foreign(error);
    }
  }

  #foreign(error: unknown): unknown {
    const failure = sqliteFailure(error);
    if (failure === undefined) return error;
    if ((failure === "io" || failure === "corrupt") && this.#failure === undefined) {
      this.#failure = failure;
      this.#log.error("the store takes no more writes", { path: this.#path, failure });
    }
    return storeError(failure, this.#path, error);
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new WeftError("unavailable", "the store is closed");
  }
}
