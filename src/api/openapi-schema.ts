/** A kind's schema in the form of OpenAPI 3.0 that kubectl reads: descriptions, types, defaults and Kubernetes' own keywords. */
import { isRecord } from "./plain-json.ts";

/** Keywords that mean the same there. */
const kept: ReadonlySet<string> = new Set([
  "type",
  "description",
  "default",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "maxProperties",
]);
/** What `boundedPattern` puts before a pattern: a look-ahead, which only JavaScript's patterns have. */
const lookAhead = /^\^\(\?=\[\^\]\{\d+,\d+\}\$\)/;

export function openApiSchema(schema: unknown): Record<string, unknown> {
  if (!isRecord(schema)) return {};
  const result: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (kept.has(keyword) || keyword.startsWith("x-kubernetes-")) result[keyword] = value;
  }
  const { const: constant, pattern, items, anyOf, properties, patternProperties, required } = schema;
  if (constant !== undefined) Object.assign(result, { type: typeof constant, enum: [constant] });
  if (Array.isArray(schema["enum"]) && result["type"] === undefined) result["type"] = typeOf(schema["enum"]);
  if (typeof pattern === "string") result["pattern"] = pattern.replace(lookAhead, "^");
  if (items !== undefined) result["items"] = openApiSchema(items);
  if (Array.isArray(anyOf)) Object.assign(result, union(anyOf));
  if (isRecord(properties)) {
    const known = Object.entries(properties).filter(([, field]) => !(isRecord(field) && "not" in field));
    result["properties"] = Object.fromEntries(known.map(([name, field]) => [name, openApiSchema(field)]));
    const asked = Array.isArray(required)
      ? required.filter((name) => !hasDefault(properties[String(name)]))
      : [];
    if (asked.length > 0) result["required"] = asked;
  }
  if (isRecord(patternProperties)) {
    const values = openApiSchema(Object.values(patternProperties)[0]);
    result["additionalProperties"] = values;
    if (Object.keys(values).length === 0) result["x-kubernetes-preserve-unknown-fields"] = true;
  }
  return result;
}

function union(variants: readonly unknown[]): Record<string, unknown> {
  const types = variants.map((each) => openApiSchema(each)["type"]);
  const isIntOrString = types.includes("integer") && types.includes("string");
  return isIntOrString
    ? { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] }
    : { anyOf: variants.map(openApiSchema) };
}

function typeOf(values: readonly unknown[]): string {
  return values.every((value) => typeof value === "number") ? "integer" : "string";
}

function hasDefault(field: unknown): boolean {
  return isRecord(field) && field["default"] !== undefined;
}
