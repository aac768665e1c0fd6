/** Strategic merge patches: what kubectl sends for Kubernetes' own kinds. */
import { describe, expect, test } from "bun:test";
import { kinds } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { strategicMergePatch } from "./strategic-merge.ts";

const { schema } = kinds.Service;
const service = {
  metadata: { labels: { a: "1", b: "2" } },
  spec: {
    ports: [
      { port: 80, name: "http" },
      { port: 81, name: "more" },
    ],
    externalIPs: ["10.0.0.1"],
  },
};
const patched = (patch: object): unknown => strategicMergePatch(schema, service, patch);
const portsAfter = (patch: object): unknown => Object(patched({ spec: patch })).spec.ports;

describe("a strategic merge patch", () => {
  test("merges objects, and null takes away", () => {
    expect(Object(patched({ metadata: { labels: { a: null, c: "3" } } })).metadata.labels).toEqual({
      b: "2",
      c: "3",
    });
  });

  test("merges a list by its key, and replaces one without", () => {
    expect(portsAfter({ ports: [{ port: 81, name: "ops" }, { port: 82 }] })).toEqual([
      { port: 80, name: "http" },
      { port: 81, name: "ops" },
      { port: 82 },
    ]);
    expect(Object(patched({ spec: { externalIPs: ["10.0.0.2"] } })).spec.externalIPs).toEqual(["10.0.0.2"]);
  });

  test("takes away items, replaces lists and objects, and keeps the order that it is told", () => {
    expect(portsAfter({ ports: [{ port: 80, $patch: "delete" }] })).toEqual([{ port: 81, name: "more" }]);
    expect(portsAfter({ ports: [{ port: 9 }, { $patch: "replace" }] })).toEqual([{ port: 9 }]);
    expect(portsAfter({ "$setElementOrder/ports": [{ port: 81 }, { port: 80 }], ports: [] })).toEqual([
      { port: 81, name: "more" },
      { port: 80, name: "http" },
    ]);
    expect(Object(patched({ metadata: { $patch: "replace", labels: { z: "1" } } })).metadata).toEqual({
      labels: { z: "1" },
    });
    expect(Object(patched({ metadata: { labels: { $retainKeys: ["b"], b: "9" } } })).metadata.labels).toEqual(
      {
        b: "9",
      },
    );
    expect(
      Object(patched({ spec: { "$deleteFromPrimitiveList/externalIPs": ["10.0.0.1"] } })).spec.externalIPs,
    ).toEqual([]);
  });

  test.each([
    ["an unknown directive", { metadata: { $patch: "explode" } }],
    ["an item without its key", { spec: { ports: [{ name: "x" }] } }],
    ["an order that is no list", { spec: { "$setElementOrder/ports": 1 } }],
    ["names to keep that are no list", { spec: { $retainKeys: "a" } }],
  ])("%s is refused", (_name, patch) => {
    expect(() => patched(patch)).toThrow(WeftError);
  });

  test("a patch that is deeper than any kind is refused, not followed", () => {
    let deep: object = {};
    for (let level = 0; level < 100; level++) deep = { a: deep };
    expect(() => patched(deep)).toThrow("nested deeper");
  });
});
