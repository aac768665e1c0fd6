/**
 * One request of any of the three signals. They are laid out alike (1: those of one resource { 1: the resource, 2: those of
 * one scope { 1: the scope, 2: the items, 3: schema_url }, 3: schema_url }), so items that are encoded already are joined
 * without being read again.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Attributes, type AttributeValue } from "./attributes.ts";

/** Of the semantic conventions that names and attributes follow. */
const schemaUrl = "https://opentelemetry.io/schemas/1.37.0";

export function encodeResource(attributes: Readonly<Record<string, AttributeValue>>): Uint8Array {
  const writer = new BinaryWriter();
  new Attributes().addAll(attributes).write(writer, 1);
  return writer.finish();
}

/** `resource` as `encodeResource` gives it. */
export function encodeExportRequest(resource: Uint8Array, items: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).bytes(resource);
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string("weft");
  writer.join();
  for (const item of items) writer.tag(2, WireType.LengthDelimited).bytes(item);
  writer.tag(3, WireType.LengthDelimited).string(schemaUrl);
  writer.join();
  writer.tag(3, WireType.LengthDelimited).string(schemaUrl);
  writer.join();
  return writer.finish();
}
