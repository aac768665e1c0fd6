/** Files of YAML or JSON: how they are read, the line of every issue, bounds on hostile files. */
import { describe, expect, test } from "bun:test";
import { issueLine } from "../kernel/index.ts";
import { parseDocument, parseYamlDocuments } from "./yaml-documents.ts";

function issues(input: string | Uint8Array): string[] {
  return parseYamlDocuments(input, "shop.yaml").issues.map(issueLine);
}

function values(input: string): unknown[] {
  const parsed = parseYamlDocuments(input, "shop.yaml");
  expect(parsed.issues).toEqual([]);
  return parsed.documents.map((document) => document.value);
}

const twoRoutes = `# the shop
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: reviews
spec:
  parentRefs:
    - kind: Service
      name: reviews
  rules:
    - matches:
        - path: { type: Exact, value: nowhere }
      backendRefs:
        - name: reviews-v1
          wieght: 90
          port: 80
        - port: 80
`;

describe("parseYamlDocuments", () => {
  test("reads documents, anchors and JSON, and leaves empty documents out", () => {
    expect(values("---\n---\na: 1\n---\n# nothing\n---\n[x, {y: ~}]\n")).toEqual([
      { a: 1 },
      ["x", { y: null }],
    ]);
    expect(values("a: &x {b: 1}\nc: *x\nd: [*x]")).toEqual([{ a: { b: 1 }, c: { b: 1 }, d: [{ b: 1 }] }]);
    expect(values('{"a": [true, 1.5, "x"]}')).toEqual([{ a: [true, 1.5, "x"] }]);
    expect(values("")).toEqual([]);
  });

  test("reads YAML 1.2: yes and on are texts, keys are texts", () => {
    expect(values("on: yes\n8080: off\ntrue: 0o17")).toEqual([{ on: "yes", "8080": "off", true: 15 }]);
    expect(values("%YAML 1.1\n---\na: yes")).toEqual([{ a: "yes" }]);
  });

  test("takes a List apart and finds lines inside it", () => {
    const text = "kind: List\nitems:\n  - kind: A\n    spec:\n      port: 1\n  - kind: B\n";
    const { documents } = parseYamlDocuments(text, "list.yaml");
    expect(documents.map((document) => [document.value, document.line])).toEqual([
      [{ kind: "A", spec: { port: 1 } }, 3],
      [{ kind: "B" }, 6],
    ]);
    expect(documents[0]?.lineOf("spec.port")).toBe(5);
  });

  test("says file, line and path of every issue of every document", () => {
    const { documents } = parseYamlDocuments(twoRoutes, "shop.yaml");
    const results = documents.map((document) => parseDocument(document, "write"));
    expect(results.map((result) => ("issues" in result ? result.issues.map(issueLine) : "valid"))).toEqual([
      "valid",
      [
        "shop.yaml:20: spec.rules[0].backendRefs[0].wieght: unknown field; did you mean spec.rules[0].backendRefs[0].weight?",
        "shop.yaml:22: spec.rules[0].backendRefs[1].name: is required",
      ],
    ]);
  });

  test("finds the line of keys with dots and slashes", () => {
    const { documents } = parseYamlDocuments(
      "metadata:\n  labels:\n    app.kubernetes.io/name: x\n    other: y\n",
      "f",
    );
    expect(documents[0]?.lineOf("metadata.labels[app.kubernetes.io/name]")).toBe(3);
    expect(documents[0]?.lineOf("metadata.labels.other")).toBe(4);
    expect(documents[0]?.lineOf("metadata.labels.missing.deeper")).toBe(2);
    expect(documents[0]?.lineOf("")).toBe(1);
  });

  test.each([
    ["a: 1\nb:\n  c: 1\n  c: 2\n", ["shop.yaml:4: b.c: the key stands there twice"]],
    [
      "a: [1, 2\nb: 3",
      ["shop.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ],
    ["a: *nothing", ["shop.yaml:1: a: no anchor &nothing stands before this alias"]],
    ["? [a]\n: b", ["shop.yaml:1: With stringKeys, all keys must be strings"]],
    ["a: !secret b", ["shop.yaml:1: Unresolved tag: !secret"]],
    ["a:\n  __proto__: {x: 1}", ["shop.yaml:2: a.__proto__: this key is refused"]],
    [`a: ${"[".repeat(70)}${"]".repeat(70)}`, [/nested deeper than 64 levels$/]],
    ["[".repeat(200_000), ["shop.yaml:1: is nested too deeply"]],
    ["}".repeat(200_000), ["shop.yaml:1: is no YAML from here on"]],
  ])("refuses %.30j", (text, expected) => {
    const found = issues(text);
    for (const [index, line] of expected.entries()) {
      if (typeof line === "string") expect(found[index]).toBe(line);
      else expect(found[index]).toMatch(line);
    }
    expect(parseYamlDocuments(text, "shop.yaml").documents).toEqual([]);
  });

  test.each([
    ["on the first line", [0x61, 0x3a, 0x20, 0xff, 0xfe], 1],
    ["on a later one", [0x61, 0x3a, 0x0a, 0xc3, 0xa4, 0x0a, 0x62, 0x3a, 0x80, 0x0a], 3],
    ["cut off by the line's end", [0x0a, 0xe2, 0x82, 0x0a, 0xac], 2],
    ["cut off by the end", [0x61, 0x0a, 0xe2, 0x82], 2],
  ])("refuses invalid UTF-8 %s", (_, bytes, line) => {
    expect(issues(Uint8Array.from(bytes))).toEqual([`shop.yaml:${line}: is not valid UTF-8`]);
  });

  test("counts what aliases expand to", () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}*a${i}]`,
    );
    expect(issues(["a0: &a0 x", ...levels].join("\n"))[0]).toContain("more than 250000 values");
  });

  test("bounds the size of a document, of a file and the number of documents", () => {
    expect(issues(`a: "${"x".repeat(3 * 1024 * 1024)}"`)[0]).toContain(
      "the document is larger than 3145728 bytes",
    );
    expect(issues("x".repeat(10 * 1024 * 1024 + 1))[0]).toContain("larger than 10485760 bytes");
    expect(issues("---\na\n".repeat(5001))[0]).toContain("more than 5000 documents");
    expect(values(`a: "${"x".repeat(2_000_000)}"\n---\nb: "${"x".repeat(2_000_000)}"`)).toHaveLength(2);
  });

  test("takes a hundred thousand keys in linear time", () => {
    const before = process.cpuUsage();
    expect(values(Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join("\n"))).toHaveLength(1);
    // Comparing each key with all others would take minutes.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(10_000);
  });
});
