/** The statements of the store, with objects as JSON in and out. */
import type { Database, Statement } from "bun:sqlite";
import { type ApiObject, isStored, keyOf, type ObjectKey, parseObject, type Stored } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { historyForm, type PlannedChange } from "./plan-writes.ts";
import { isDifference } from "./spans.ts";
import type { Change, Commit, CommitMeta, WatchEvent } from "./store.ts";

interface SpanRow {
  readonly before: string | null;
  readonly after: string | null;
}

interface ChangeRow extends SpanRow {
  readonly revision: number;
}

interface RevisionRow {
  readonly revision: number;
  readonly author: string;
  readonly message: string;
  readonly time_ms: number;
  readonly source: string;
}

interface EventRow {
  readonly sequence: number;
  readonly revision: number;
  readonly type: string;
  readonly body: string;
}

type KeyValues = [string, string, string];

export class SqliteRows {
  readonly #putObject: Statement<unknown, [...KeyValues, string]>;
  readonly #deleteObject: Statement<unknown, KeyValues>;
  readonly #putEvent: Statement<unknown, [number, number, string, string]>;
  readonly #putRevision: Statement<unknown, [number, string, string, number, string]>;
  readonly #putChange: Statement<unknown, [number, number, ...KeyValues, string | null, string | null]>;
  readonly #setCounter: Statement<unknown, [number, string]>;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.#putObject = database.query("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)");
    this.#deleteObject = database.query("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?");
    this.#putEvent = database.query("INSERT INTO events VALUES (?, ?, ?, ?)");
    this.#putRevision = database.query("INSERT INTO revisions VALUES (?, ?, ?, ?, ?)");
    this.#putChange = database.query("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#setCounter = database.query("UPDATE counters SET value = ? WHERE name = ?");
  }

  counter(name: "sequence" | "revision"): number {
    const row = this.#database
      .query<{ value: number }, [string]>("SELECT value FROM counters WHERE name = ?")
      .get(name);
    return row?.value ?? 0;
  }

  setCounter(name: "sequence" | "revision", value: number): void {
    this.#setCounter.run(value, name);
  }

  anchor(): string | undefined {
    const row = this.#database
      .query<{ value: string }, []>("SELECT value FROM anchors WHERE name = 'anchor'")
      .get();
    return row?.value;
  }

  setAnchor(anchor: string): void {
    this.#database
      .query<unknown, [string]>("INSERT OR REPLACE INTO anchors VALUES ('anchor', ?)")
      .run(anchor);
  }

  *objects(): Iterable<Stored> {
    for (const { body } of this.#database.query<{ body: string }, []>("SELECT body FROM objects").iterate()) {
      yield readStored(body);
    }
  }

  write(change: PlannedChange, sequence: number, revision: number): void {
    const body = JSON.stringify(change.object);
    if (change.type === "deleted") this.#deleteObject.run(...valuesOf(change.key));
    else this.#putObject.run(...valuesOf(change.key), body);
    this.#putEvent.run(sequence, revision, change.type, body);
  }

  writeRevision(
    revision: number,
    { author, message, source = "" }: CommitMeta,
    timeMs: number,
    changes: readonly PlannedChange[],
  ): void {
    this.#putRevision.run(revision, author, message, timeMs, source);
    for (const [position, { type, key, before, object }] of changes.entries()) {
      const after = type === "deleted" ? undefined : object;
      this.#putChange.run(revision, position, ...valuesOf(key), historyText(before), historyText(after));
    }
  }

  prune(oldestSequence: number, oldestRevision: number): void {
    this.#database.query<unknown, [number]>("DELETE FROM events WHERE sequence < ?").run(oldestSequence);
    this.#database.query<unknown, [number]>("DELETE FROM changes WHERE revision < ?").run(oldestRevision);
    this.#database.query<unknown, [number]>("DELETE FROM revisions WHERE revision < ?").run(oldestRevision);
  }

  /** The oldest event that is retained; undefined where there is none. */
  oldestEvent(): number | undefined {
    const row = this.#database
      .query<{ oldest: number | null }, []>("SELECT min(sequence) AS oldest FROM events")
      .get();
    return row?.oldest ?? undefined;
  }

  oldestRevision(): number | undefined {
    const row = this.#database
      .query<{ oldest: number | null }, []>("SELECT min(revision) AS oldest FROM revisions")
      .get();
    return row?.oldest ?? undefined;
  }

  /** Up to `last`. */
  eventsAfter(sequence: number, last: number): WatchEvent[] {
    const rows = this.#database
      .query<EventRow, [number, number]>(
        "SELECT * FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence",
      )
      .all(sequence, last);
    return rows.map((row) => {
      const object = readStored(row.body);
      return {
        type: eventType(row.type),
        sequence: row.sequence,
        revision: row.revision,
        key: keyOf(object),
        object,
      };
    });
  }

  commits(limit: number, before: number): Commit[] {
    const rows = this.#database
      .query<RevisionRow, [number, number]>(
        "SELECT * FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?",
      )
      .all(before, limit);
    return rows.map(({ revision, author, message, source, time_ms }) => ({
      revision,
      author,
      message,
      ...(source === "" ? {} : { source }),
      timeMs: time_ms,
      changes: this.#changes(revision),
    }));
  }

  /** The last change of an object at or before a revision, or the first one after it. */
  changeOf(key: ObjectKey, revision: number, side: "atOrBefore" | "after"): Partial<Change> | undefined {
    const condition =
      side === "after" ? "revision > ? ORDER BY revision" : "revision <= ? ORDER BY revision DESC";
    const row = this.#database
      .query<ChangeRow, [...KeyValues, number]>(
        `SELECT * FROM changes WHERE kind = ? AND namespace = ? AND name = ? AND ${condition} LIMIT 1`,
      )
      .get(...valuesOf(key), revision);
    return row === null ? undefined : sides(row);
  }

  /** Bodies are parsed only of what differs, as `spanOf` would tell it. */
  changesBetween(from: number, to: number): Change[] {
    const rows = this.#database
      .query<SpanRow, [number, number]>(
        `SELECT first.before AS before, last.after AS after FROM
           (SELECT kind, namespace, name, min(revision) AS first, max(revision) AS last
              FROM changes WHERE revision > ? AND revision <= ? GROUP BY kind, namespace, name) AS span
           JOIN changes AS first ON first.kind = span.kind AND first.namespace = span.namespace
             AND first.name = span.name AND first.revision = span.first
           JOIN changes AS last ON last.kind = span.kind AND last.namespace = span.namespace
             AND last.name = span.name AND last.revision = span.last
         WHERE first.before IS NOT last.after
         ORDER BY span.kind, span.namespace, span.name`,
      )
      .all(from, to);
    return rows.flatMap(changeOfRow).filter(isDifference);
  }

  #changes(revision: number): Change[] {
    const rows = this.#database
      .query<ChangeRow, [number]>("SELECT * FROM changes WHERE revision = ? ORDER BY position")
      .all(revision);
    return rows.flatMap(changeOfRow);
  }
}

function changeOfRow(row: SpanRow): Change[] {
  const change = sides(row);
  const object = change.after ?? change.before;
  return object === undefined ? [] : [{ ...change, key: keyOf(object) }];
}

function sides(row: SpanRow): { before?: ApiObject; after?: ApiObject } {
  return {
    ...(row.before === null ? {} : { before: readObject(row.before) }),
    ...(row.after === null ? {} : { after: readObject(row.after) }),
  };
}

function valuesOf({ kind, namespace, name }: ObjectKey): KeyValues {
  return [kind, namespace, name];
}

function historyText(object: Stored | undefined): string | null {
  return object === undefined ? null : JSON.stringify(historyForm(object));
}

function eventType(type: string): WatchEvent["type"] {
  return type === "added" || type === "deleted" ? type : "modified";
}

function readStored(body: string): Stored {
  const object = readObject(body);
  if (!isStored(object)) throw unreadable("an object lacks the server's metadata");
  return object;
}

function readObject(body: string): ApiObject {
  const parsed = parseObject(JSON.parse(body), "read");
  if ("object" in parsed) return parsed.object;
  const [first] = parsed.issues;
  throw unreadable(`${first?.path ?? ""}: ${first?.message ?? ""}`);
}

function unreadable(detail: string): WeftError {
  return new WeftError("io", `the store holds an object that cannot be read: ${detail}`, {
    hint: "was it written by a newer weft?",
  });
}
