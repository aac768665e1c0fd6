/** Messages with random content, of any type, as what `create` takes: every kind of field, zero values and absence included. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

const deepest = 4;
const texts = ["", "a", "default/echo:80", "größe", "x".repeat(300), "__proto__"];

/** `random` gives numbers in [0, 1). */
export function randomMessage(schema: DescMessage, random: () => number, depth = 0): Record<string, unknown> {
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const scalar = (type: ScalarType): unknown => {
    switch (type) {
      case ScalarType.STRING:
        return pick(texts);
      case ScalarType.BOOL:
        return random() < 0.5;
      case ScalarType.BYTES:
        return Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
      case ScalarType.UINT64:
        return pick([0n, 1n, 2n ** 32n, 2n ** 64n - 1n]);
      case ScalarType.INT64:
      case ScalarType.SINT64:
        return pick([0n, -1n, 2n ** 62n, -(2n ** 63n)]);
      case ScalarType.INT32:
        return pick([0, 1, -1, -(2 ** 31)]);
      case ScalarType.UINT32:
        return pick([0, 1, 127, 128, 2 ** 32 - 1]);
      case ScalarType.DOUBLE:
        return pick([0, -0.5, 1e300]);
      default:
        throw new Error(`there is no random value of type ${type} yet`);
    }
  };
  const one = (field: DescField, kind: "scalar" | "enum" | "message"): unknown => {
    // A Struct field is plain JSON.
    if (field.message?.typeName === "google.protobuf.Struct")
      return { a: "b", n: 1, deep: { list: [true, null] } };
    if (kind === "message" && field.message !== undefined)
      return randomMessage(field.message, random, depth + 1);
    if (kind === "enum") return pick(field.enum?.values ?? [])?.number;
    return scalar(field.scalar ?? ScalarType.STRING);
  };
  const value = (field: DescField): unknown => {
    const count = Math.floor(random() * 4);
    switch (field.fieldKind) {
      case "list":
        return Array.from({ length: count }, () => one(field, field.listKind));
      case "map":
        return Object.fromEntries(
          Array.from({ length: count }, (_, i) => [`key${i}`, one(field, field.mapKind)]),
        );
      default:
        return one(field, field.fieldKind);
    }
  };
  const message: Record<string, unknown> = {};
  for (const member of schema.members) {
    if (random() < 0.3) continue;
    const field = member.kind === "oneof" ? pick(member.fields) : member;
    if (field === undefined || (depth >= deepest && field.message !== undefined)) continue;
    message[member.localName] =
      member.kind === "oneof" ? { case: field.localName, value: value(field) } : value(field);
  }
  return message;
}
