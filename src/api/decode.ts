/** Checks a JSON message that is no resource (status, topology, transaction …) against its schema. */
import type { TProperties, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { Check, Default } from "typebox/value";
import { type FillDefaults, fillDefaultsOf } from "./defaults.ts";
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

/** The same for a request that comes often: its check is made at the first one, and costs the others little. */
export function requestDecoder<S extends TSchema>(schema: S): (input: unknown) => Validated<ValueOf<S>> {
  let validator: Validator<TProperties, S> | undefined;
  let fillDefaults: FillDefaults | undefined;

  function holds(value: unknown): value is ValueOf<S> {
    validator ??= Compile(schema);
    return validator.Check(value);
  }

  return (input) => {
    const cloned = clonePlain(input);
    if ("issues" in cloned) return cloned;
    fillDefaults ??= fillDefaultsOf(schema);
    const value = fillDefaults(cloned.value);
    return holds(value) ? { object: value } : { issues: toIssues(schema, value, "write") };
  };
}

function accepts<S extends TSchema>(schema: S, value: unknown, allowUnknown: boolean): value is ValueOf<S> {
  return Check(schema, value) || (allowUnknown && hasOnlyUnknownFields(schemaErrors(schema, value)));
}
