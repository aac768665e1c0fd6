/** What an object's conditions come to, and what it is for. */
import type { Condition, Reference, ResourceObject } from "../api/documents.ts";
import type { Level } from "../format/health.ts";

export interface PlacedCondition extends Condition {
  /** Parent or target that it is about; empty: the object itself. */
  readonly at: string;
}

export function conditionsOf({ status }: ResourceObject): readonly PlacedCondition[] {
  const place = (at: string, conditions: readonly Condition[]): PlacedCondition[] =>
    conditions.map((condition) => ({ ...condition, at }));
  return [
    ...place("", status?.conditions ?? []),
    ...(status?.parents ?? []).flatMap(({ parentRef, conditions }) =>
      place(referenceText(parentRef), conditions),
    ),
    ...(status?.ancestors ?? []).flatMap(({ ancestorRef, conditions }) =>
      place(referenceText(ancestorRef), conditions),
    ),
  ];
}

/** Conditions that are bad news where they hold. */
const inverted = new Set(["Conflicted", "PartiallyInvalid", "Overlapping", "Overridden"]);

export function levelOfCondition({ type, status }: Condition): Level {
  if (status === "Unknown") return "none";
  const isGood = (status === "True") !== inverted.has(type);
  if (isGood) return "ok";
  return inverted.has(type) ? "note" : "bad";
}

export interface ObjectState {
  readonly level: Level;
  readonly word: string;
  readonly message: string;
}

export function stateOf(object: ResourceObject): ObjectState {
  const conditions = conditionsOf(object);
  const first = (level: Level): PlacedCondition | undefined =>
    conditions.find((each) => levelOfCondition(each) === level);
  const bad = first("bad");
  if (bad !== undefined) return { level: "bad", word: bad.reason, message: bad.message };
  const note = first("note");
  if (note !== undefined) return { level: "note", word: note.reason, message: note.message };
  if (first("ok") !== undefined) return { level: "ok", word: "in force", message: "" };
  return { level: "none", word: "not looked at", message: "No controller has looked at it yet." };
}

/** `Service/reviews:9080`. */
function referenceText({ kind = "", namespace, name, sectionName, port }: Reference): string {
  const place = namespace === undefined ? name : `${namespace}/${name}`;
  const part = sectionName === undefined ? "" : `/${sectionName}`;
  return `${kind === "" ? "" : `${kind} `}${place}${part}${port === undefined ? "" : `:${port}`}`;
}

/** What a route attaches to or a policy is for. */
export function targetsOf({ spec }: ResourceObject): readonly string[] {
  const references = [...(spec?.parentRefs ?? []), ...(spec?.targetRefs ?? [])].map(referenceText);
  const labels = Object.entries(spec?.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [...references, ...labels];
}
