/** Checks a JSON message that is no resource (status, topology, transaction …) against its schema. */
import type { TSchema } from "typebox";
import { Check, Default } from "typebox/value";
import type { Validated } from "./kind-definition.ts";
import { clonePlain } from "./plain-json.ts";
import { hasOnlyUnknownFields, schemaErrors, toIssues } from "./schema-issues.ts";
import type { ValueOf } from "./schema.ts";

/** `request`: unknown fields are refused. `response`: they are kept, since a newer server may send more. */
export function decodeMessage<S extends TSchema>(
  schema: S,
  input: unknown,
  from: "request" | "response",
): Validated<ValueOf<S>> {
  const cloned = from === "request" ? clonePlain(input) : { value: input };
  if ("issues" in cloned) return cloned;
  const value = Default(schema, cloned.value);
  const isResponse = from === "response";
  if (accepts(schema, value, isResponse)) return { object: value };
  return { issues: toIssues(schema, value, isResponse ? "read" : "write") };
}

function accepts<S extends TSchema>(schema: S, value: unknown, allowUnknown: boolean): value is ValueOf<S> {
  return Check(schema, value) || (allowUnknown && hasOnlyUnknownFields(schemaErrors(schema, value)));
}
