/** The table of few names and the table of many behave alike. */
import { expect, test } from "bun:test";
import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { modelSchemas } from "../model/index.ts";
import { ItemMap } from "./item-map.ts";
import type { ResourceKind } from "./resource-source.ts";

const resourceKinds: readonly ResourceKind[] = [
  ...(["Certificate", "Gateway", "Endpoint", "Cluster", "Address"] as const),
  ...(["Name", "Outbound", "Inbound", "Mesh"] as const),
];

test("names of any number are kept as a Map keeps them", () => {
  const step = record({
    isDeletion: boolean(),
    kind: constantFrom("Name" as const, "Endpoint" as const),
    key: integer({ min: 0, max: 60 }).map((number) => `key-${number}`),
    value: integer({ min: 0, max: 9 }),
  });
  assert(
    property(array(step, { maxLength: 300 }), (steps) => {
      const items = new ItemMap<number>();
      const expected = new Map<string, number>();
      for (const { isDeletion, kind, key, value } of steps) {
        if (isDeletion) expect(items.delete(kind, key)).toBe(expected.delete(`${kind} ${key}`));
        else {
          items.set(kind, key, value);
          expected.set(`${kind} ${key}`, value);
        }
        expect(items.get(kind, key)).toBe(expected.get(`${kind} ${key}`));
        expect(items.has(kind, key)).toBe(expected.has(`${kind} ${key}`));
        expect(items.size).toBe(expected.size);
      }
      const names = [...items.names()].map(({ kind, key }) => `${kind} ${key}`);
      expect(names.toSorted()).toEqual([...expected.keys()].toSorted());
      const sum = (values: Iterable<number>): number =>
        [...values].reduce((total, value) => total + value, 0);
      expect(sum(items.allValues())).toBe(sum(expected.values()));
      expect([...items.keys("Name")].length + [...items.keys("Endpoint")].length).toBe(expected.size);
    }),
  );
});

test("every kind has a table of its own", () => {
  const items = new ItemMap<ResourceKind>();
  for (const kind of resourceKinds) items.set(kind, "key", kind);
  for (const kind of resourceKinds) expect(items.get(kind, "key")).toBe(kind);
  expect([...items.names()].map(({ kind }) => kind)).toEqual([...items.allValues()]);
  const travelling = Object.keys(modelSchemas).filter((kind) => kind !== "Commit");
  expect<string[]>([...items.allValues()].toSorted()).toEqual(travelling.toSorted());
});
