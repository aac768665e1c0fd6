/** Attributes in OTLP's form. What a peer chose is cut to a bound; what is empty is left out. */
import { create } from "@bufbuild/protobuf";
import { type AnyValue, AnyValueSchema, type KeyValue, KeyValueSchema } from "../../wire/otlp/index.ts";

/** In UTF-16 units, of one value. A path or a user agent that says something fits; what is longer is somebody's payload. */
export const maxAttributeLength = 1_024;

export type AttributeValue = string | number | boolean;

/** Numbers that are whole become integers. */
export function attribute(key: string, value: AttributeValue): KeyValue {
  return create(KeyValueSchema, { key, value: anyValue(value) });
}

export function anyValue(value: AttributeValue): AnyValue {
  if (typeof value === "string")
    return create(AnyValueSchema, { value: { case: "stringValue", value: bounded(value) } });
  if (typeof value === "boolean") return create(AnyValueSchema, { value: { case: "boolValue", value } });
  return Number.isSafeInteger(value)
    ? create(AnyValueSchema, { value: { case: "intValue", value: BigInt(value) } })
    : create(AnyValueSchema, { value: { case: "doubleValue", value } });
}

export function bounded(text: string, maxLength = maxAttributeLength): string {
  return text.length <= maxLength ? text : text.slice(0, maxLength);
}

/** A list that grows by what is there. */
export class Attributes {
  readonly list: KeyValue[] = [];

  /** Undefined and the empty string are left out. */
  add(key: string, value: AttributeValue | undefined): this {
    if (value !== undefined && value !== "") this.list.push(attribute(key, value));
    return this;
  }
}
