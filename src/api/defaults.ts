/** Fills in defaults. Schemas have few, so what has none is not walked through: it took half of the time of a check. */
import Type, { type TSchema } from "typebox";
import { Default } from "typebox/value";

export type FillDefaults = (value: unknown) => unknown;

/** Does what the library's `Default` does with the schema, which may change the value that it is given. */
export function fillDefaultsOf(schema: TSchema): FillDefaults {
  const defaults = withDefaults(schema);
  return defaults === undefined ? (value) => value : (value) => Default(defaults, value);
}

/** The parts of a schema that have defaults; undefined: none has. Unions and maps stay whole: what is in them decides what becomes of them. */
function withDefaults(schema: TSchema): TSchema | undefined {
  if (!hasDefaults(schema)) return undefined;
  const own = "default" in schema ? { default: schema.default } : {};
  if (Type.IsArray(schema)) return Type.Array(withDefaults(schema.items) ?? Type.Unknown(), own);
  if (Type.IsObject(schema) && !hasOtherProperties(schema)) {
    const parts = Object.entries(schema.properties).flatMap(([name, property]) => {
      const part = withDefaults(property);
      return part === undefined
        ? []
        : [[name, Type.IsOptional(property) ? Type.Optional(part) : part] as const];
    });
    return Type.Object(Object.fromEntries(parts), own);
  }
  return schema;
}

/** Beside those that it names. */
function hasOtherProperties(schema: TSchema): boolean {
  return "additionalProperties" in schema && typeof schema.additionalProperties === "object";
}

function hasDefaults(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return false;
  if (Array.isArray(part)) return part.some(hasDefaults);
  return Object.entries(part).some(
    ([keyword, value]) => keyword === "default" || (keyword !== "examples" && hasDefaults(value)),
  );
}
