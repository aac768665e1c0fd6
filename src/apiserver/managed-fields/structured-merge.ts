/**
 * Values as sets of fields: which fields a value has, which of them a change has changed, and one value laid over another without
 * the fields that nobody wants any more. PURE; driven by the kinds' own schemas.
 */
import { isPlain } from "../patch/merge-patch.ts";
import {
  childOf,
  type FieldSet,
  fieldSet,
  isEmpty,
  minus,
  noFields,
  union,
  wholeField,
} from "./field-set.ts";
import { type Part, partsOf } from "./parts.ts";

export function fieldsOf(schema: unknown, value: unknown): FieldSet {
  if (value === undefined) return noFields;
  const parts = partsOf(schema, value);
  if (parts === undefined || parts.length === 0) return wholeField;
  return fieldSet(
    false,
    parts.map((part) => {
      const below = fieldsOf(part.schema, part.value);
      return [part.element, part.isItem ? union(below, wholeField) : below] as const;
    }),
  );
}

/** Fields of `after` that are new or have another value than in `before`. */
export function changedFields(schema: unknown, before: unknown, after: unknown): FieldSet {
  if (before === undefined || after === undefined) return fieldsOf(schema, after);
  const [was, is] = [partsOf(schema, before), partsOf(schema, after)];
  if (was === undefined || is === undefined)
    return Bun.deepEquals(before, after) ? noFields : fieldsOf(schema, after);
  const old = byElement(was);
  return fieldSet(
    false,
    is.map((part) => {
      const there = old.get(part.element);
      const below = changedFields(part.schema, there?.value, part.value);
      return [part.element, part.isItem && there === undefined ? union(below, wholeField) : below] as const;
    }),
  );
}

/** Those of the fields that the value has. */
export function presentFields(schema: unknown, value: unknown, fields: FieldSet): FieldSet {
  if (value === undefined) return noFields;
  const parts = byElement(partsOf(schema, value) ?? []);
  return fieldSet(
    fields.isMember,
    [...fields.children].map(([element, child]) => {
      const part = parts.get(element);
      return [element, presentFields(part?.schema, part?.value, child)] as const;
    }),
  );
}

/** `config` laid over `live`: what it names has its value, all else stays. Neither is changed. */
export function mergeFields(schema: unknown, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  const [has, wants] = [partsOf(schema, live), partsOf(schema, config)];
  if (has === undefined || wants === undefined) return config;
  const wanted = byElement(wants);
  if (Array.isArray(live)) return mergeItems(has, wanted);
  const result: Record<string, unknown> = isPlain(live) ? { ...live } : {};
  const old = byElement(has);
  for (const { element, schema: below, value } of wants)
    setField(result, element, mergeFields(below, old.get(element)?.value, value));
  return result;
}

/** The order is the configuration's where it names all items, else what is there stays in its place. */
function mergeItems(has: readonly Part[], wanted: ReadonlyMap<string, Part>): unknown[] {
  const old = byElement(has);
  const merged = ({ element, schema, value }: Part): unknown => {
    const there = old.get(element);
    return there === undefined ? value : mergeFields(schema, there.value, value);
  };
  if (has.every(({ element }) => wanted.has(element))) return [...wanted.values()].map(merged);
  const kept = has.map((part) => {
    const config = wanted.get(part.element);
    return config === undefined ? part.value : merged(config);
  });
  return [...kept, ...[...wanted.values()].filter(({ element }) => !old.has(element)).map(merged)];
}

/**
 * Without the fields of `unwanted`, but for those that have something of `owned` in or below them. What is emptied by this is gone
 * too: undefined where that is all of it.
 */
export function removeFields(schema: unknown, value: unknown, unwanted: FieldSet, owned: FieldSet): unknown {
  if (isEmpty(unwanted)) return value;
  const parts = partsOf(schema, value);
  if (parts === undefined) return value;
  const kept: (readonly [string, unknown])[] = [];
  for (const part of parts) {
    const [drop, keep] = [childOf(unwanted, part.element), childOf(owned, part.element)];
    if (drop.isMember && isEmpty(keep)) continue;
    const rest = removeFields(part.schema, part.value, minus(drop, keysOf(part)), keep);
    if (rest !== undefined) kept.push([part.element, rest]);
  }
  if (kept.length === 0 && parts.length > 0 && !owned.isMember) return undefined;
  if (Array.isArray(value)) return kept.map(([, item]) => item);
  const result: Record<string, unknown> = {};
  for (const [element, field] of kept) setField(result, element, field);
  return result;
}

/** What names an item goes with the item alone. */
function keysOf({ element }: Part): FieldSet {
  if (!element.startsWith("k:")) return noFields;
  const keys: Record<string, unknown> = JSON.parse(element.slice(2));
  return fieldSet(
    false,
    Object.keys(keys).map((name) => [`f:${name}`, wholeField] as const),
  );
}

function byElement(parts: readonly Part[]): Map<string, Part> {
  return new Map(parts.map((part) => [part.element, part]));
}

/** A plain assignment to `__proto__` would change what the object is. */
function setField(object: Record<string, unknown>, element: string, value: unknown): void {
  Object.defineProperty(object, element.slice(2), {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
