/** Every field of a kind with its type, bounds, default and description, straight from the schema that checks it. */
import { childOf } from "./field-path.ts";
import { type KindName, kinds } from "./kinds.ts";
import { measureOf, rangeText } from "./measures.ts";
import { isRecord } from "./plain-json.ts";

export interface FieldReference {
  readonly name: string;
  /** From the object down; `[]` and `{}` behind what is a list or a map: `spec.rules[].matches[].path`. */
  readonly path: string;
  /** 0: of the object itself. */
  readonly depth: number;
  readonly type: string;
  readonly isRequired: boolean;
  /** Bounds, form and default. */
  readonly notes: readonly string[];
  readonly description: string;
}

/** A field comes before those below it. */
export function fieldsOf(kind: KindName): FieldReference[] {
  return fieldsBelow(kinds[kind].schema, "", 0);
}

function fieldsBelow(schema: unknown, path: string, depth: number): FieldReference[] {
  const properties = childOf(schema, "properties");
  if (!isRecord(properties)) return [];
  const required = childOf(schema, "required");
  return Object.entries(properties).flatMap(([name, field]): FieldReference[] => {
    if (childOf(field, "not") !== undefined) return []; // declared only to be refused
    const at = path === "" ? name : `${path}.${name}`;
    const isRequired =
      Array.isArray(required) && required.includes(name) && childOf(field, "default") === undefined;
    const own = {
      name,
      path: at,
      depth,
      type: typeText(field),
      isRequired,
      notes: notes(field),
      description: textOf(field, "description") ?? "",
    };
    const { schema: inner, suffix } = innermost(field, "");
    return [own, ...fieldsBelow(inner, at + suffix, depth + 1)];
  });
}

function typeText(field: unknown): string {
  const values = childOf(field, "enum");
  if (Array.isArray(values)) return values.join(" | ");
  const constant = childOf(field, "const");
  if (constant !== undefined) return JSON.stringify(constant);
  const variants = childOf(field, "anyOf");
  if (Array.isArray(variants)) return variants.map(typeText).join(" or ");
  if (childOf(field, "type") === "array") return `list of ${typeText(childOf(field, "items"))}`;
  const map = mapValue(field);
  if (map !== undefined) return `map of ${typeText(map)}`;
  return textOf(field, "type") ?? "any";
}

function notes(field: unknown): string[] {
  const measure = measureOf(field);
  if (measure !== undefined) return [measure.kind, rangeText(measure)];
  const parts: string[] = [];
  const range = (low: string, high: string, unit: string): void => {
    const [from, to] = [childOf(field, low), childOf(field, high)];
    if (typeof to === "number" && to < Number.MAX_SAFE_INTEGER)
      parts.push(`${typeof from === "number" ? from : 0} to ${to}${unit}`);
  };
  range("minimum", "maximum", "");
  range("minLength", "maxLength", " characters");
  range("minItems", "maxItems", " items");
  range("minProperties", "maxProperties", " entries");
  const expected = textOf(field, "expected") ?? textOf(childOf(field, "propertyNames"), "expected");
  if (expected !== undefined) parts.push(expected);
  const fallback = childOf(field, "default");
  if (fallback !== undefined) parts.push(`default ${JSON.stringify(fallback)}`);
  return parts;
}

/** The object whose fields are listed below a field: its own, its items', its values'. */
function innermost(field: unknown, suffix: string): { schema: unknown; suffix: string } {
  if (childOf(field, "type") === "array") return innermost(childOf(field, "items"), `${suffix}[]`);
  const map = mapValue(field);
  return map === undefined ? { schema: field, suffix } : innermost(map, `${suffix}{}`);
}

function mapValue(field: unknown): unknown {
  const patterns = childOf(field, "patternProperties");
  return isRecord(patterns) ? Object.values(patterns)[0] : undefined;
}

function textOf(field: unknown, key: string): string | undefined {
  const value = childOf(field, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}
