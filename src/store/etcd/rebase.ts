/** PURE: a plan that was made on an older state. */
import { keyOf, type Stored } from "../../api/index.ts";
import type { ObjectIndex } from "../object-index.ts";
import { atSequence, type Plan, type PlannedChange } from "../plan-writes.ts";

/** The same changes on a newer state; undefined where one of the objects that were looked at has changed meanwhile. */
export function rebase(plan: Plan, index: ObjectIndex, sequence: number): Plan | undefined {
  const moved = new Map<Stored, Stored>();
  const changes: PlannedChange[] = [];
  for (const change of plan.changes) {
    if (index.get(change.key) !== change.before) return undefined;
    const newSequence = sequence + changes.length + 1;
    const isThere = change.object.metadata.resourceVersion === String(newSequence);
    const object = isThere ? change.object : atSequence(change.object, newSequence);
    moved.set(change.object, object);
    changes.push(isThere ? change : { ...change, object });
  }
  for (const object of plan.objects)
    if (!moved.has(object) && index.get(keyOf(object)) !== object) return undefined;
  return { changes, objects: plan.objects.map((object) => moved.get(object) ?? object) };
}
