/** PURE: what several commits in a row made of each object, for stores that read their changes one by one, and what counts as the same. */
import { type ApiObject, keyText } from "../api/index.ts";
import type { Change } from "./store.ts";

/** `changes` from the oldest to the newest. One change for each object that ends otherwise than it began, sorted. */
export function spanOf(changes: Iterable<Change>): Change[] {
  const spans = new Map<string, Change>();
  for (const { key, before, after } of changes) {
    const first = spans.get(keyText(key));
    spans.set(keyText(key), changeOf(key, first === undefined ? before : first.before, after));
  }
  return [...spans.values()].filter(isDifference).toSorted(byKey);
}

/** Neither generation, uid nor time of creation make a difference: a rollback cannot bring them back. */
export function isDifference({ before, after }: Pick<Change, "before" | "after">): boolean {
  if (before === undefined || after === undefined) return before !== after;
  return !Bun.deepEquals(stateOf(before), stateOf(after), true);
}

function changeOf(key: Change["key"], before: ApiObject | undefined, after: ApiObject | undefined): Change {
  return {
    key,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

function stateOf(object: ApiObject): unknown {
  const { labels = {}, annotations = {} } = object.metadata;
  return { ...object, status: undefined, metadata: { labels, annotations } };
}

function byKey({ key: a }: Change, { key: b }: Change): number {
  return compare(a.kind, b.kind) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

/** By code unit, as SQLite does. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
