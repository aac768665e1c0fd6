/** The reference of a kind as text: every field with its type, bounds, default and description, straight from the schema. */
import { childOf } from "./field-path.ts";
import { apiVersionOf, type KindName, kinds } from "./kinds.ts";
import { measureOf, rangeText } from "./measures.ts";
import { isRecord } from "./plain-json.ts";

const indentWidth = 2;
const maxWidth = 100;

export function referenceText(kind: KindName): string {
  const definition = kinds[kind];
  const lines = [
    `KIND:     ${kind}`,
    `VERSION:  ${apiVersionOf(kind)}`,
    `NAMES:    ${[definition.plural, definition.singular, ...definition.shortNames].join(", ")}`,
    `SCOPE:    ${definition.namespaced ? "namespace" : "cluster"}`,
    "",
    ...wrap(definition.description, 0),
    "",
    "FIELDS:",
    ...fieldLines(definition.schema, 1),
  ];
  return `${lines.join("\n")}\n`;
}

function fieldLines(schema: unknown, depth: number): string[] {
  const properties = childOf(schema, "properties");
  if (!isRecord(properties)) return [];
  const required = childOf(schema, "required");
  const lines: string[] = [];
  for (const [name, field] of Object.entries(properties)) {
    if (childOf(field, "not") !== undefined) continue; // declared only to be refused
    const isRequired =
      Array.isArray(required) && required.includes(name) && childOf(field, "default") === undefined;
    lines.push(
      `${" ".repeat(depth * indentWidth)}${name} <${typeText(field)}>${isRequired ? " required" : ""}${notes(field)}`,
    );
    lines.push(...wrap(textOf(field, "description") ?? "", depth + 2));
    lines.push(...fieldLines(innermost(field), depth + 1));
  }
  return lines;
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

function notes(field: unknown): string {
  const measure = measureOf(field);
  if (measure !== undefined) return ` (${measure.kind}; ${rangeText(measure)})`;
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
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

/** The object whose fields are listed below a field: its own, its items', its values'. */
function innermost(field: unknown): unknown {
  if (childOf(field, "type") === "array") return innermost(childOf(field, "items"));
  const map = mapValue(field);
  return map === undefined ? field : innermost(map);
}

function mapValue(field: unknown): unknown {
  const patterns = childOf(field, "patternProperties");
  return isRecord(patterns) ? Object.values(patterns)[0] : undefined;
}

function textOf(field: unknown, key: string): string | undefined {
  const value = childOf(field, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function wrap(text: string, depth: number): string[] {
  const indent = " ".repeat(depth * indentWidth);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > maxWidth) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, indent + line];
}
