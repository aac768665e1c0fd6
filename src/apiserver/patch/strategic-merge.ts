/**
 * Kubernetes' strategic merge patch: a merge patch in which a list whose schema names a merge key is merged by it, and in which
 * `$patch`, `$deleteFromPrimitiveList`, `$setElementOrder` and `$retainKeys` say more. PURE.
 */
import { WeftError } from "../../kernel/index.ts";
import { isPlain } from "./merge-patch.ts";

/** Nothing that people write is deeper. */
const maxDepth = 64;
const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";
const retainKeys = "$retainKeys";

/** A changed copy. Throws `usage` for directives that make no sense. */
export function strategicMergePatch(schema: unknown, target: unknown, patch: unknown, depth = 0): unknown {
  if (!isPlain(patch)) return patch;
  if (depth > maxDepth) throw new WeftError("usage", `the patch is nested deeper than ${maxDepth} levels`);
  const directive = patch["$patch"];
  const given = Object.entries(patch).filter(([name]) => name !== "$patch");
  if (directive === "delete") return undefined;
  if (directive === "replace") return Object.fromEntries(given);
  if (directive !== undefined && directive !== "merge")
    throw new WeftError("usage", "$patch must be merge, replace or delete");
  const result = new Map(isPlain(target) ? Object.entries(target) : []);
  retain(result, patch[retainKeys]);
  for (const [name, value] of given) {
    if (name === retainKeys || name.startsWith(orderPrefix)) continue;
    if (name.startsWith(deletePrefix)) {
      deleteItems(result, name.slice(deletePrefix.length), value);
      continue;
    }
    if (value === null) {
      result.delete(name);
      continue;
    }
    const below = fieldSchema(schema, name);
    const merged = Array.isArray(value)
      ? mergeList(below, result.get(name), value, depth)
      : strategicMergePatch(below, result.get(name), value, depth + 1);
    if (merged === undefined) result.delete(name);
    else result.set(name, merged);
  }
  for (const [name, order] of given) {
    if (!name.startsWith(orderPrefix)) continue;
    const field = name.slice(orderPrefix.length);
    const list = result.get(field);
    if (Array.isArray(list)) result.set(field, inOrder(list, order, mergeKeyOf(fieldSchema(schema, field))));
  }
  return Object.fromEntries(result);
}

function mergeList(
  schema: unknown,
  target: unknown,
  patch: readonly unknown[],

  depth: number,
): unknown {
  const key = mergeKeyOf(schema);
  const isReplaced = patch.some((item) => isPlain(item) && item["$patch"] === "replace");
  if (isReplaced) return patch.filter((item) => !(isPlain(item) && item["$patch"] === "replace"));

  if (key === undefined) return patch;
  const items: unknown[] = Array.isArray(target) ? [...target] : [];
  const itemSchema = isPlain(schema) ? schema["items"] : undefined;
  for (const item of patch) {
    if (!isPlain(item) || item[key] === undefined)
      throw new WeftError("usage", `each item of this list needs its merge key "${key}"`);
    const at = items.findIndex((each) => isPlain(each) && Bun.deepEquals(each[key], item[key]));
    const merged = strategicMergePatch(itemSchema, at < 0 ? undefined : items[at], item, depth + 1);
    if (merged === undefined) {
      if (at >= 0) items.splice(at, 1);
    } else if (at < 0) items.push(merged);
    else items[at] = merged;
  }
  return items;
}

/** Items that the order names stand in it; the others stay behind what they stood behind. */
function inOrder(list: readonly unknown[], order: unknown, key: string | undefined): readonly unknown[] {
  if (!Array.isArray(order)) throw new WeftError("usage", `${orderPrefix}… must be a list`);
  const nameOf = (item: unknown): string =>
    JSON.stringify(key !== undefined && isPlain(item) ? item[key] : item);
  const places = new Map(order.map((item, index) => [nameOf(item), index]));
  const named = list
    .filter((item) => places.has(nameOf(item)))
    .toSorted((a, b) => (places.get(nameOf(a)) ?? 0) - (places.get(nameOf(b)) ?? 0));
  let next = 0;
  return list.map((item) => (places.has(nameOf(item)) ? named[next++] : item));
}

function deleteItems(result: Map<string, unknown>, field: string, values: unknown): void {
  const list = result.get(field);
  if (!Array.isArray(values)) throw new WeftError("usage", `${deletePrefix}${field} must be a list`);
  if (!Array.isArray(list)) return;
  result.set(
    field,
    list.filter((item) => !values.some((value) => Bun.deepEquals(item, value))),
  );
}

function retain(result: Map<string, unknown>, names: unknown): void {
  if (names === undefined) return;
  if (!Array.isArray(names)) throw new WeftError("usage", `${retainKeys} must be a list of names`);
  for (const name of result.keys()) if (!names.includes(name)) result.delete(name);
}

function mergeKeyOf(schema: unknown): string | undefined {
  const key = isPlain(schema) ? schema["x-kubernetes-patch-merge-key"] : undefined;
  return typeof key === "string" ? key : undefined;
}

function fieldSchema(schema: unknown, name: string): unknown {
  if (!isPlain(schema)) return undefined;
  const { properties, patternProperties } = schema;
  if (isPlain(properties)) return Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isPlain(patternProperties) ? Object.values(patternProperties)[0] : undefined;
}
