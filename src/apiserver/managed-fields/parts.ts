/**
 * How a value is made of parts that different writers may own, told by its schema: the fields of an object, the entries of a map,
 * the items of a list that have keys. Everything else is owned, and replaced, as a whole. PURE.
 */
import { isPlain } from "../patch/merge-patch.ts";

export interface Part {
  /** In the form of fieldsV1. */
  readonly element: string;
  readonly schema: unknown;
  readonly value: unknown;
  /** An item is a member by itself, a field only by what it holds. */
  readonly isItem: boolean;
}

/** Undefined: the value is one whole. */
export function partsOf(schema: unknown, value: unknown): readonly Part[] | undefined {
  if (!isPlain(schema)) return undefined;
  if (Array.isArray(value)) return itemsOf(schema, value);
  if (!isPlain(value) || schema["x-kubernetes-map-type"] === "atomic") return undefined;
  const { properties, patternProperties } = schema;
  const fields = isPlain(properties) ? properties : undefined;
  const values = isPlain(patternProperties) ? Object.values(patternProperties)[0] : undefined;
  if (fields === undefined && values === undefined) return undefined;
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => ({
      element: `f:${name}`,
      schema: fields === undefined ? values : ownField(fields, name),
      value: field,
      isItem: false,
    }));
}

/** Whether a list's items are found by what they hold, not by where they stand. */
function isKeyed(schema: unknown): boolean {
  return isPlain(schema) && ["map", "set"].includes(String(schema["x-kubernetes-list-type"]));
}

function itemsOf(schema: Record<string, unknown>, list: readonly unknown[]): readonly Part[] | undefined {
  if (!isKeyed(schema)) return undefined;
  const { items } = schema;
  const keys = schema["x-kubernetes-list-map-keys"];
  const parts: Part[] = [];
  const seen = new Set<string>();
  for (const value of list) {
    const element = Array.isArray(keys) ? keyElement(items, keys, value) : `v:${JSON.stringify(value)}`;
    // A list that has two of one key, or none, is no list of parts.
    if (element === undefined || seen.has(element)) return undefined;
    seen.add(element);
    parts.push({ element, schema: items, value, isItem: true });
  }
  return parts;
}

/** With its keys in the order of the alphabet, as Kubernetes writes them. A key that is not given has its default. */
function keyElement(schema: unknown, keys: readonly unknown[], item: unknown): string | undefined {
  if (!isPlain(item) || !isPlain(schema) || !isPlain(schema["properties"])) return undefined;
  const found: Record<string, unknown> = {};
  for (const key of keys.map(String).toSorted()) {
    const field = ownField(schema["properties"], key);
    const value = Object.hasOwn(item, key) ? item[key] : isPlain(field) ? field["default"] : undefined;
    if (value === undefined || value === null || typeof value === "object") return undefined;
    found[key] = value;
  }
  return `k:${JSON.stringify(found)}`;
}

function ownField(fields: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
