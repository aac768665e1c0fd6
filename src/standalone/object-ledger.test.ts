/** What changed between two readings, and that what is added to objects follows from the files alone. */
import { expect, test } from "bun:test";
import { keyOf, keyText } from "../api/index.ts";
import { ObjectLedger } from "./object-ledger.ts";
import { gateway, parseSource, route, yaml } from "./testing/test-files.ts";

const parse = (...objects: readonly object[]) =>
  parseSource(yaml(objects), "a.yaml").map(({ object }) => object);

test("only what differs is a change, and its generation counts", () => {
  const ledger = new ObjectLedger();
  const first = ledger.replace(parse(gateway(80), route("web", "web")));
  expect(first.upserted.map(({ metadata }) => metadata.generation)).toEqual([1, 1]);
  const second = ledger.replace(parse(gateway(81), route("web", "web")));
  expect(second.upserted.map(({ kind, metadata }) => [kind, metadata.generation])).toEqual([["Gateway", 2]]);
  const third = ledger.replace(parse(gateway(81)));
  expect(third.upserted).toEqual([]);
  expect(third.removed.map(keyText)).toEqual(["HTTPRoute default/web"]);
});

test("a second process makes the same of the same files", () => {
  const objects = parse(gateway(80), route("web", "web"));
  const stored = new ObjectLedger().replace(objects).upserted;
  expect(new ObjectLedger().replace(objects.toReversed()).upserted.toReversed()).toEqual([...stored]);
  expect(stored.map(keyOf)).toEqual(objects.map(keyOf));
});
