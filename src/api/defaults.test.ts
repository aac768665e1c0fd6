/** The quick way of filling in defaults against the library's, over every kind and message with parts left out at random. */
import { expect, test } from "bun:test";
import Type, { type TSchema } from "typebox";
import { Default } from "typebox/value";
import { fillDefaultsOf } from "./defaults.ts";
import { kindNames, kinds } from "./kinds.ts";
import { transactionRequestSchema } from "./transaction.ts";

const rounds = 100;
let seed = 1;
function random(below: number): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % below;
}

/** Of the schema's shape, and now and then not; texts and numbers are anything. */
function someValue(schema: TSchema): unknown {
  if (random(20) === 0) return ["text", 3, {}, [], undefined][random(5)];
  if (Type.IsObject(schema)) {
    const some = Object.entries(schema.properties).filter(() => random(2) === 0);
    return Object.fromEntries(some.map(([name, property]) => [name, someValue(property)]));
  }
  if (Type.IsArray(schema)) return Array.from({ length: random(3) }, () => someValue(schema.items));
  if (Type.IsRecord(schema)) return { key: someValue(Type.RecordValue(schema)) };
  if (Type.IsUnion(schema)) return someValue(schema.anyOf[random(schema.anyOf.length)] ?? Type.Null());
  return ["text", 3, true][random(3)];
}

const schemas: readonly (readonly [string, TSchema])[] = [
  ...kindNames.map((kind) => [kind, kinds[kind].schema] as const),
  ["a transaction", transactionRequestSchema],
];

test("are filled in as the library does", () => {
  const hadSome = new Set<string>();
  for (const [name, schema] of schemas) {
    const fill = fillDefaultsOf(schema);
    for (let round = 0; round < rounds; round++) {
      const value = someValue(schema);
      const expected = Default(schema, structuredClone(value));
      if (!Bun.deepEquals(expected, value)) hadSome.add(name);
      expect([name, fill(structuredClone(value))]).toStrictEqual([name, expected]);
    }
  }
  expect(hadSome.size).toBeGreaterThan(20);
});
