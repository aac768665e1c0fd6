/**
 * The store on one machine: SQLite for what must survive, memory for what is read. A write is in memory and told to
 * watchers only after it is on the disk; when that fails nothing has changed, and the error says what to do. Writes are
 * planned on those before them, on the disk or not yet, and share its flushes (`GroupCommit`).
 */
import type { Database } from "bun:sqlite";
import { randomUUID } from "node:crypto";
import {
  type ApiObject,
  keyOf,
  keyText,
  type KindName,
  type ObjectKey,
  type Stored,
  type StoredOfKind,
} from "../api/index.ts";
import { type Clock, errorLine, type Log, WeftError } from "../kernel/index.ts";
import { GroupCommit } from "./group-commit.ts";
import { ObjectIndex } from "./object-index.ts";
import { checkPlannedOn, type Plan, type PlannedChange, planWrites } from "./plan-writes.ts";
import { openDatabase } from "./sqlite-database.ts";
import { type SqliteFailure, sqliteFailure, storeError } from "./sqlite-errors.ts";
import { SqliteLog } from "./sqlite-log.ts";
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
  /** For tests: what brings the log to the disk. Default: fdatasync, on another thread. */
  readonly flush?: (fd: number) => Promise<void>;
}

/** A write that is in the database's log. */
interface Logged {
  readonly changes: readonly PlannedChange[];
  readonly events: readonly WatchEvent[];
  readonly sequence: number;
  readonly revision: number;
}

/** Throws WeftError io where the file is corrupt, in use, or of a newer format; permission where it cannot be opened. */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options);
}

class SqliteStore implements Store {
  readonly #database: Database;
  readonly #rows: SqliteRows;
  readonly #index = new ObjectIndex();
  readonly #file: SqliteLog | undefined;
  readonly #commits: GroupCommit<Logged>;
  /** What is logged and not yet on the disk, by `keyText`: what the next write is planned on. */
  readonly #logged = new Map<string, PlannedChange>();
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
  /** Of the newest write that is logged. */
  #loggedRevision: number;
  #loggedSequence: number;
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
      this.#file = options.path === ":memory:" ? undefined : new SqliteLog(options.path, options.flush);
    } catch (error) {
      this.#database.close();
      throw this.#foreign(error);
    }
    this.#loggedRevision = this.#revision;
    this.#loggedSequence = this.#sequence;
    this.#watchers = new Watchers({
      sequence: this.#sequence,
      readAfter: (sequence) => this.#rows.eventsAfter(sequence, this.#sequence),
      log: options.log,
    });
    const file = this.#file;
    this.#commits = new GroupCommit<Logged>({
      flush: file === undefined ? undefined : () => file.flush(),
      apply: (logged) => this.#apply(logged),
      failed: (cause) => this.#diskFailed(cause),
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
    // What reads it after a loss of power finds this one or the one before: nobody need wait.
    void this.#commits.add(this.#asLogged([])).catch(() => {});
  }

  get<K extends KindName>(key: ObjectKey & { readonly kind: K }): StoredOfKind<K> | undefined {
    return this.#index.get(key);
  }

  list<K extends KindName>(selector: ListSelector<K>): Listing<K> {
    return { items: this.#index.list(selector), sequence: this.#sequence };
  }

  async commit(writes: readonly Write[], meta: CommitOptions): Promise<CommitResult> {
    return await this.#write(writes, meta);
  }

  async writeOperational(writes: readonly OperationalWrite[]): Promise<WriteResult> {
    const { sequence, objects } = await this.#write(writes, undefined);
    return { sequence, objects };
  }

  async history(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<readonly Commit[]> {
    const end = Math.min(before, this.#revision + 1);
    return this.#reading(() => this.#rows.commits(Math.min(Math.max(0, limit), maxHistoryPage), end));
  }

  async objectAt(key: ObjectKey, revision: number): Promise<ApiObject | undefined | "gone"> {
    return this.#reading(() => {
      const oldest = this.#rows.oldestRevision();
      if (oldest !== undefined && revision < oldest - 1) return "gone";
      const last = this.#rows.changeOf(key, revision, "atOrBefore");
      if (last !== undefined) return last.after;
      const next = this.#rows.changeOf(key, revision, "after");
      return next === undefined ? this.#current(key) : next.before;
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

  async catchUp(): Promise<void> {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watchers.clear();
    try {
      this.#file?.close();
      this.#commits.settleAll();
    } catch (cause) {
      this.#commits.refuseAll(cause);
    }
    this.#database.close();
  }

  /** A refusal, and "there is nothing to do", are told once what they were judged by is on the disk. */
  async #write(writes: readonly OperationalWrite[], meta: CommitOptions | undefined): Promise<CommitResult> {
    let plan: Plan;
    try {
      plan = this.#plan(writes, meta);
    } catch (error) {
      await this.#commits.settled();
      throw error;
    }
    const { changes, objects } = plan;
    if (changes.length === 0) {
      const [sequence, revision] = [this.#loggedSequence, this.#loggedRevision];
      await this.#commits.settled();
      return { sequence, revision, objects };
    }
    const logged = this.#append(changes, meta);
    await this.#commits.add(logged);
    return { sequence: logged.sequence, revision: logged.revision, objects };
  }

  #plan(writes: readonly OperationalWrite[], meta: CommitOptions | undefined): Plan {
    this.#refuseWhenClosed();
    if (this.#failure !== undefined) throw storeError(this.#failure, this.#path);
    checkPlannedOn(meta?.plannedOn, this.#loggedRevision);
    return planWrites(writes, {
      mode: meta === undefined ? "operational" : "commit",
      current: (key) => this.#current(key),
      sequence: this.#loggedSequence,
      nowMs: this.#clock.nowMs(),
      newUid: this.#newUid,
    });
  }

  #current(key: ObjectKey): Stored | undefined {
    const logged = this.#logged.get(keyText(key));
    if (logged === undefined) return this.#index.get(key);
    return logged.type === "deleted" ? undefined : logged.object;
  }

  #append(changes: readonly PlannedChange[], meta: CommitOptions | undefined): Logged {
    const base = this.#loggedSequence;
    const sequence = base + changes.length;
    const revision = this.#loggedRevision + (meta === undefined ? 0 : 1);
    this.#inTransaction(() => {
      for (const [index, change] of changes.entries()) this.#rows.write(change, base + index + 1, revision);
      this.#rows.setCounter("sequence", sequence);
      if (meta !== undefined) {
        this.#rows.writeRevision(revision, meta, this.#clock.nowMs(), changes);
        this.#rows.setCounter("revision", revision);
        if (meta.anchor !== undefined) this.#rows.setAnchor(meta.anchor);
      }
      this.#rows.prune(sequence - this.#retainedEvents + 1, revision - this.#retainedRevisions + 1);
    });
    for (const change of changes) this.#logged.set(keyText(change.key), change);
    this.#loggedSequence = sequence;
    this.#loggedRevision = revision;
    this.#anchor = meta?.anchor ?? this.#anchor;
    return this.#asLogged(changes);
  }

  #asLogged(changes: readonly PlannedChange[]): Logged {
    const [sequence, revision] = [this.#loggedSequence, this.#loggedRevision];
    const base = sequence - changes.length;
    const events = changes.map(({ type, key, object }, index) => ({
      ...{ type, key, object, revision },
      sequence: base + index + 1,
    }));
    return { changes, events, sequence, revision };
  }

  /** It is on the disk: memory, then watchers. */
  #apply({ changes, events, sequence, revision }: Logged): void {
    for (const change of changes) {
      this.#index.apply(change);
      const text = keyText(change.key);
      if (this.#logged.get(text) === change) this.#logged.delete(text);
    }
    this.#sequence = sequence;
    this.#revision = revision;
    if (events.length > 0) this.#watchers.publish(events);
  }

  /** What of the log is there only a restart can tell. */
  #diskFailed(cause: unknown): WeftError {
    this.#failure ??= "io";
    this.#logged.clear();
    this.#loggedSequence = this.#sequence;
    this.#loggedRevision = this.#revision;
    this.#log.error("the store takes no more writes", {
      path: this.#path,
      failure: this.#failure,
      error: errorLine(cause),
    });
    return storeError(this.#failure, this.#path, cause);
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
