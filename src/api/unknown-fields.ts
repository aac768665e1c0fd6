/** A value without the fields that its schema does not know, and where those stood. For writers that asked for it; others are refused. */
import { joinPath } from "./field-path.ts";
import { isRecord } from "./plain-json.ts";

/** Deeper than any kind; what lies below stays and is judged by the schema's own check. */
const maxDepth = 64;

export function withoutUnknownFields(
  schema: unknown,
  input: unknown,
): { readonly value: unknown; readonly unknown: readonly string[] } {
  const unknown: string[] = [];
  function copy(node: unknown, value: unknown, path: string, depth: number): unknown {
    if (!isRecord(node) || depth > maxDepth) return value;
    if (Array.isArray(value))
      return value.map((item, index) => copy(node["items"], item, joinPath(path, index), depth + 1));
    const { properties } = node;
    if (!isRecord(value) || !isRecord(properties)) return value;
    const known = Object.entries(value).filter(([name]) => {
      const isKnown = Object.hasOwn(properties, name);
      if (!isKnown) unknown.push(joinPath(path, name));
      return isKnown;
    });
    return Object.fromEntries(
      known.map(([name, field]) => [name, copy(properties[name], field, joinPath(path, name), depth + 1)]),
    );
  }
  return { value: copy(schema, input, "", 0), unknown };
}
