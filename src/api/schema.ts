/**
 * How a field is declared: one call gives type, default, check and reference text. Every object is closed (unknown
 * fields are found) and every field has a description. A field with a default is required here, since defaults are
 * filled in before the check: the type that comes out always has it.
 */
import Type, {
  type Static,
  type TArray,
  type TBoolean,
  type TEnum,
  type TInteger,
  type TObject,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TString,
} from "typebox";
import type { TextFormat } from "./formats.ts";

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** What a schema describes, after defaults. */
export type ValueOf<S extends TSchema> = DeepReadonly<Static<S>>;

export const optional = Type.Optional;

export function object<P extends TProperties>(
  description: string,
  properties: P,
  options: TObjectOptions = {},
): TObject<P> {
  return Type.Object(properties, { ...options, description, additionalProperties: false });
}

export function text(
  description: string,
  format: TextFormat,
  options: { readonly default?: string; readonly measure?: object } = {},
): TString {
  return Type.String({
    ...options,
    description,
    ...(format.min > 0 ? { minLength: format.min } : {}),
    maxLength: format.max,
    ...(format.pattern === undefined ? {} : { pattern: boundedPattern(format, format.pattern) }),
    ...(format.expected === undefined ? {} : { expected: format.expected }),
  });
}

export function integer(
  description: string,
  minimum: number,
  maximum: number,
  options: { readonly default?: number } = {},
): TInteger {
  return Type.Integer({ ...options, description, minimum, maximum });
}

export function port(description: string): TInteger {
  return integer(description, 1, 65_535);
}

export function flag(description: string, options: { readonly default?: boolean } = {}): TBoolean {
  return Type.Boolean({ ...options, description });
}

export function oneOf<const V extends string[]>(
  description: string,
  values: readonly [...V],
  options: { readonly default?: V[number] } = {},
): TEnum<V> {
  return Type.Enum<V>(values, { ...options, description });
}

/** One of a few numbers, such as status codes. */
export function integerOf<const V extends number[]>(
  description: string,
  values: readonly [...V],
  options: { readonly default: V[number] },
): TEnum<V> {
  return Type.Enum<V>(values, { ...options, description });
}

export interface ListOptions {
  readonly min?: number;
  readonly max: number;
  readonly default?: readonly unknown[];
  readonly unique?: boolean;
  /** Fields that name an item: writers own items, not the list. Without them a list is owned, and replaced, as a whole. */
  readonly keys?: readonly string[];
  /** The one field by which a strategic merge patch finds an item; in Kubernetes' own kinds alone. */
  readonly mergeKey?: string;
  /** Of a unique list: the order means something, so it is owned as a whole all the same. */
  readonly isOrdered?: boolean;
}

export function list<S extends TSchema>(description: string, items: S, options: ListOptions): TArray<S> {
  return Type.Array(items, {
    description,
    maxItems: options.max,
    ...(options.min === undefined ? {} : { minItems: options.min }),
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(options.unique === true ? { uniqueItems: true } : {}),
    ...mergeKeywords(options),
  });
}

/** Kubernetes' keywords for what becomes of a list when several write it. */
function mergeKeywords({ keys, mergeKey, unique, isOrdered }: ListOptions): object {
  const patch =
    mergeKey === undefined
      ? {}
      : { "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": mergeKey };
  if (keys !== undefined) {
    return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys, ...patch };
  }
  const isSet = unique === true && isOrdered !== true;
  return { "x-kubernetes-list-type": isSet ? "set" : "atomic", ...patch };
}

/** For the options of an object, or of a map, that one writer owns as a whole. */
export const atomic = { "x-kubernetes-map-type": "atomic" };

/** Keys of one form, values of another. */
export function textMap(
  description: string,
  keys: TextFormat,
  values: TextFormat,
  bound: number | { readonly max: number; readonly isAtomic: boolean },
) {
  const { max: maxEntries, isAtomic } = typeof bound === "number" ? { max: bound, isAtomic: false } : bound;
  return Type.Record(Type.String(), text("", values), {
    ...(isAtomic ? atomic : {}),
    description,
    maxProperties: maxEntries,
    propertyNames: text("", keys),
  });
}

/** An object whose content is another system's business: kept as it is. */
export function opaque(description: string) {
  return Type.Record(Type.String(), Type.Unknown(), { description });
}

/** The look-ahead refuses an overlong text after `max` steps, whatever the rest of the pattern would do with it. */
function boundedPattern(format: TextFormat, pattern: string): string {
  return `^(?=[^]{${format.min},${format.max}}$)(?:${pattern})`;
}
