/**
 * The history of the store over etcd: read when it is asked for. Which revisions changed an object is learned from all of them
 * at the first question, and kept from then on.
 */
import { type ApiObject, keyText, type ObjectKey } from "../../api/index.ts";
import type { PlannedChange } from "../plan-writes.ts";
import { spanOf } from "../spans.ts";
import type { Change, Commit } from "../store.ts";
import { historyOf, metaOf } from "./entry.ts";
import { type Entry, readCommits, type StoreParts } from "./reader.ts";

const maxHistoryPage = 1_000;

export class EtcdHistory {
  readonly #parts: StoreParts;
  readonly #retained: number;
  /** Of each object the revisions that changed it, in order. */
  #revisions: Map<string, number[]> | undefined;
  #loading: Promise<Map<string, number[]>> | undefined;
  /** Commits that came while it was being learned. */
  #late: (readonly [revision: number, keys: readonly string[]])[] = [];

  constructor(parts: StoreParts, retained: number) {
    this.#parts = parts;
    this.#retained = retained;
  }

  async commits(newest: number, limit: number, before?: number): Promise<readonly Commit[]> {
    const wanted = Math.min(Math.max(0, limit), maxHistoryPage);
    const commits: Commit[] = [];
    if (wanted === 0) return commits;
    const end = Math.min(before ?? newest + 1, newest + 1);
    if (end <= 0) return commits;
    for await (const entry of readCommits(this.#parts, this.#oldest(newest), end)) {
      commits.push(commitOf(entry));
      if (commits.length >= wanted) break;
    }
    return commits;
  }

  /** "as it is": it has not changed since that revision. */
  async objectAt(
    newest: number,
    key: ObjectKey,
    revision: number,
  ): Promise<ApiObject | undefined | "gone" | "as it is"> {
    const oldest = this.#oldest(newest);
    if (revision < oldest - 1) return "gone";
    const revisions = (await this.#learned(newest)).get(keyText(key)) ?? [];
    const retained = revisions.filter((each) => each >= oldest);
    const last = retained.findLast((each) => each <= revision);
    if (last !== undefined) return (await this.#changeOf(key, last))?.after;
    const next = retained.find((each) => each > revision);
    return next === undefined ? "as it is" : (await this.#changeOf(key, next))?.before;
  }

  async changesBetween(newest: number, from: number, to: number): Promise<readonly Change[] | "gone"> {
    if (from < this.#oldest(newest) - 1) return "gone";
    const commits: (readonly Change[])[] = [];
    for await (const entry of readCommits(this.#parts, from + 1, Math.min(to, newest) + 1))
      commits.push(historyOf(entry.changes));
    return spanOf(commits.toReversed().flat());
  }

  note(revision: number, keys: readonly string[]): void {
    if (this.#revisions !== undefined) insert(this.#revisions, revision, keys, this.#retained);
    else if (this.#loading !== undefined) this.#late.push([revision, keys]);
  }

  noteOwn(revision: number, changes: readonly PlannedChange[]): void {
    this.note(
      revision,
      changes.map(({ key }) => keyText(key)),
    );
  }

  forget(): void {
    this.#revisions = undefined;
    this.#loading = undefined;
  }

  #oldest(newest: number): number {
    return Math.max(1, newest - this.#retained + 1);
  }

  async #changeOf(key: ObjectKey, revision: number): Promise<Change | undefined> {
    const wanted = keyText(key);
    for await (const entry of readCommits(this.#parts, revision, revision + 1))
      return historyOf(entry.changes).find((change) => keyText(change.key) === wanted);
    return undefined;
  }

  #learned(newest: number): Promise<Map<string, number[]>> {
    if (this.#revisions !== undefined) return Promise.resolve(this.#revisions);
    this.#loading ??= this.#learn(newest).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #learn(newest: number): Promise<Map<string, number[]>> {
    const found: (readonly [number, readonly string[]])[] = [];
    for await (const entry of readCommits(this.#parts, this.#oldest(newest), newest + 1))
      found.push([entry.head.revision, historyOf(entry.changes).map((change) => keyText(change.key))]);
    const revisions = new Map<string, number[]>();
    for (const [revision, keys] of [...found.toReversed(), ...this.#late])
      insert(revisions, revision, keys, this.#retained);
    this.#late = [];
    this.#revisions = revisions;
    return revisions;
  }
}

function insert(
  revisions: Map<string, number[]>,
  revision: number,
  keys: readonly string[],
  retained: number,
): void {
  for (const key of keys) {
    const known = revisions.get(key);
    if (known === undefined) {
      revisions.set(key, [revision]);
      continue;
    }
    if ((known.at(-1) ?? 0) >= revision) continue;
    known.push(revision);
    while ((known[0] ?? revision) < revision - retained) known.shift();
  }
}

function commitOf({ head, changes }: Entry): Commit {
  return { revision: head.revision, ...metaOf(head), timeMs: head.timeMs, changes: historyOf(changes) };
}
