/**
 * One request of any of the three signals. They are laid out alike (1: those of one resource { 1: the resource, 2: those of
 * one scope { 1: the scope, 2: the items, 3: schema_url }, 3: schema_url }), so items that are encoded already are joined
 * without being read again.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { InstrumentationScopeSchema, ResourceSchema } from "../../wire/otlp/index.ts";
import { attribute, type AttributeValue } from "./attributes.ts";

/** Of the semantic conventions that names and attributes follow. */
const schemaUrl = "https://opentelemetry.io/schemas/1.37.0";

const scope = toBinary(InstrumentationScopeSchema, create(InstrumentationScopeSchema, { name: "weft" }));

export function encodeResource(attributes: Readonly<Record<string, AttributeValue>>): Uint8Array {
  const list = Object.entries(attributes).filter(([, value]) => value !== "");
  return toBinary(
    ResourceSchema,
    create(ResourceSchema, { attributes: list.map(([key, value]) => attribute(key, value)) }),
  );
}

/** `resource` as `encodeResource` gives it. */
export function encodeExportRequest(resource: Uint8Array, items: readonly Uint8Array[]): Uint8Array {
  const ofScope = new BinaryWriter();
  ofScope.tag(1, WireType.LengthDelimited).bytes(scope);
  for (const item of items) ofScope.tag(2, WireType.LengthDelimited).bytes(item);
  ofScope.tag(3, WireType.LengthDelimited).string(schemaUrl);
  const ofResource = new BinaryWriter();
  ofResource.tag(1, WireType.LengthDelimited).bytes(resource);
  ofResource.tag(2, WireType.LengthDelimited).bytes(ofScope.finish());
  ofResource.tag(3, WireType.LengthDelimited).string(schemaUrl);
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(ofResource.finish()).finish();
}
