/** Turns what the schema library finds into issues that a person can act on. Looks at keywords and schemas, never at message text. */
import type { TSchema } from "typebox";
import type { TLocalizedValidationError } from "typebox/error";
import { Settings } from "typebox/system";
import { Errors } from "typebox/value";
import { type Issue, nearestName } from "../kernel/index.ts";
import { childOf, joinPath, parentPath, pathOfPointer, pointerSegments } from "./field-path.ts";
import { isRecord } from "./plain-json.ts";

/** More than a person reads at once. The library stops looking there, so a hostile object costs no more. */
const maxIssues = 200;

export function schemaErrors(schema: TSchema, value: unknown): readonly TLocalizedValidationError[] {
  // The library's own limit is 8, process-wide; nothing else here uses it.
  Settings.Set({ maxErrors: maxIssues });
  return Errors(schema, value);
}

/** At the limit something else may have been cut off, so the answer is no. */
export function hasOnlyUnknownFields(errors: readonly TLocalizedValidationError[]): boolean {
  return errors.length < maxIssues && errors.every(isUnknownField);
}

function isUnknownField(error: TLocalizedValidationError): boolean {
  return (
    error.keyword === "additionalProperties" ||
    (error.keyword === "boolean" && error.schemaPath.endsWith("/additionalProperties"))
  );
}

export function toIssues(schema: TSchema, value: unknown, mode: "write" | "read"): Issue[] {
  const errors = schemaErrors(schema, value);
  const unions = new Set(
    errors.filter((error) => error.keyword === "anyOf").map((error) => error.schemaPath),
  );
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const error of errors) {
    if (mode === "read" && isUnknownField(error)) continue;
    if (isInsideUnion(error.schemaPath, unions)) continue;
    for (const issue of issuesOf(error, schema, value)) {
      // A text that is too long also misses its pattern: the first finding says enough.
      const place = isAboutKey(error) ? `key of ${issue.path}` : issue.path;
      if (seen.has(place)) continue;
      seen.add(place);
      issues.push(issue);
    }
  }
  // The bound may have cut off everything but what is tolerated.
  return issues.length > 0 ? issues : [{ path: "", message: `more than ${maxIssues} problems` }];
}

function isAboutKey(error: TLocalizedValidationError): boolean {
  return error.schemaPath.endsWith("/propertyNames");
}

function isInsideUnion(schemaPath: string, unions: ReadonlySet<string>): boolean {
  for (let at = schemaPath.indexOf("/anyOf/"); at >= 0; at = schemaPath.indexOf("/anyOf/", at + 1)) {
    if (unions.has(schemaPath.slice(0, at))) return true;
  }
  return false;
}

function issuesOf(error: TLocalizedValidationError, schema: TSchema, value: unknown): Issue[] {
  const path = pathOfPointer(error.instancePath, value);
  const node = resolve(schema, error.schemaPath);
  const one = (message: string): Issue[] => [{ path, message }];
  if (isAboutKey(error)) return one(`its key must be ${textOf(node, "expected") ?? "of the expected form"}`);
  switch (error.keyword) {
    case "additionalProperties":
    case "propertyNames":
      return []; // each field is also reported on its own
    case "boolean":
      return [unknownField(error, schema, path)];
    case "required":
      return error.params.requiredProperties.map((name) => ({
        path: joinPath(path, name),
        message: "is required",
      }));
    case "type":
      return one(`must be ${typeWords(error.params.type)}`);
    case "const":
      return one(`must be ${JSON.stringify(error.params.allowedValue)}`);
    case "enum":
      return one(`must be one of ${error.params.allowedValues.join(", ")}`);
    case "anyOf":
      return one(`must be ${textOf(node, "expected") ?? "one of the allowed forms"}`);
    case "pattern":
      return one(`must be ${textOf(node, "expected") ?? "of the expected form"}`);
    case "maxLength":
      return one(`must not be longer than ${error.params.limit} characters`);
    case "minLength":
      return one(
        error.params.limit === 1 ? "must not be empty" : `must be ${error.params.limit} characters or more`,
      );
    case "maxItems":
      return one(`must not have more than ${error.params.limit} items`);
    case "minItems":
      return one(`must have at least ${error.params.limit} item${error.params.limit === 1 ? "" : "s"}`);
    case "maxProperties":
      return one(`must not have more than ${error.params.limit} entries`);
    case "minimum":
      return one(`must be ${error.params.limit} or more`);
    case "maximum":
      return one(`must be ${error.params.limit} or less`);
    case "uniqueItems":
      return one("must not hold the same item twice");
    case "not":
      return one(`must be absent; ${textOf(node, "description") ?? "it has no meaning here"}`);
    default:
      return one(error.message);
  }
}

function unknownField(error: TLocalizedValidationError, schema: TSchema, path: string): Issue {
  const owner = resolve(schema, error.schemaPath.slice(0, -"/additionalProperties".length));
  const name = pointerSegments(error.instancePath).at(-1) ?? "";
  const properties = isRecord(owner) ? owner["properties"] : undefined;
  const known = isRecord(properties) ? nearestName(name, Object.keys(properties)) : undefined;
  const where = parentPath(path);
  const hint = known === undefined ? "" : `; did you mean ${joinPath(where ?? "", known)}?`;
  return { path, message: `unknown field${hint}` };
}

function resolve(schema: TSchema, schemaPath: string): unknown {
  let node: unknown = schema;
  for (const segment of pointerSegments(schemaPath.slice(1))) node = childOf(node, segment);
  return node;
}

function textOf(node: unknown, key: string): string | undefined {
  const found = childOf(node, key);
  return typeof found === "string" && found !== "" ? found : undefined;
}

function typeWords(type: string | string[]): string {
  const words: Record<string, string> = {
    object: "an object with fields",
    array: "a list",
    string: "text (in quotes where it looks like a number)",
    integer: "a whole number",
    number: "a number",
    boolean: "true or false",
  };
  return (Array.isArray(type) ? type : [type]).map((name) => words[name] ?? name).join(" or ");
}
