/** Field sets as they stand in `metadata.managedFields`: `{"f:spec":{"f:ports":{"k:{\"port\":80}":{".":{},"f:name":{}}}}}`. */
import { type FieldSet, fieldSet, isEmpty, noFields, wholeField } from "./field-set.ts";

export function encodeFieldsV1(set: FieldSet): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  // A leaf is written as {}; where something is below, "." says that the place itself is a member too.
  if (set.isMember && set.children.size > 0) result["."] = {};
  for (const [element, child] of [...set.children].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    result[element] = encodeFieldsV1(child);
  return result;
}

/** Undefined: it is none. What is nested is as bounded as the object that it came with. */
export function decodeFieldsV1(value: unknown): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  return Object.keys(value).length === 0 ? noFields : decodeNode(value);
}

function decodeNode(value: unknown): FieldSet | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length === 0) return wholeField;
  const children: (readonly [string, FieldSet])[] = [];
  for (const [element, below] of entries) {
    if (element === ".") continue;
    const child = isElement(element) ? decodeNode(below) : undefined;
    if (child === undefined) return undefined;
    children.push([element, child]);
  }
  const set = fieldSet(Object.hasOwn(value, "."), children);
  return isEmpty(set) ? undefined : set;
}

function isElement(text: string): boolean {
  if (text.startsWith("f:")) return true;
  if (!text.startsWith("v:") && !text.startsWith("k:")) return false;
  try {
    const content: unknown = JSON.parse(text.slice(2));
    return text.startsWith("v:") || isObject(content);
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
