/**
 * Golden files: `testdata/<case>.in.yaml` holds objects, its first document names the resources to compile;
 * `<case>.out.json` is what comes out. `WEFT_UPDATE_GOLDEN=1` writes the outputs anew, to be read in review.
 */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { parseAllDocuments } from "yaml";
import { modelSchemas } from "../model/index.ts";
import { Compiler } from "./compiler.ts";
import { type CompiledResource, compareText } from "./resource.ts";
import { parseResourceNode } from "./resource-kinds.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

const folder = new URL("testdata/", import.meta.url).pathname;
const cases = readdirSync(folder)
  .filter((name) => name.endsWith(".in.yaml"))
  .map((name) => name.slice(0, -".in.yaml".length));

test("there are golden files", () => {
  expect(cases.length).toBeGreaterThan(5);
});

test.each(cases)("%s", async (name) => {
  const documents = parseAllDocuments(await Bun.file(`${folder}${name}.in.yaml`).text());
  const [wanted, ...inputs] = documents.map((document): unknown => document.toJS());
  const objects = inputs.map((input) => stored(input));
  const registry = new TestRegistry();
  const compiler = new Compiler({ ...trust, registry });
  const { statuses } = compiler.apply({ upserted: objects, registry: registry.replace(objects) });
  const resources: Record<string, unknown> = {};
  for (const line of wantedLines(wanted)) {
    const resource = parseResourceNode(`resource ${line}`);
    if (resource === undefined) throw new Error(`${name}: "${line}" names no resource`);
    resources[line] = readable(compiler.get(resource));
  }
  const sorted = statuses.toSorted((a, b) => compareText(`${a.kind} ${a.name}`, `${b.kind} ${b.name}`));
  // Through text and back, so that what is compared is what a file can hold.
  const out = JSON.stringify({ resources, statuses: sorted }, undefined, 2);
  const file = Bun.file(`${folder}${name}.out.json`);
  if (process.env["WEFT_UPDATE_GOLDEN"] === "1") await file.write(`${out}\n`);
  expect(JSON.parse(out)).toEqual(await file.json());
});

function wantedLines(document: unknown): string[] {
  if (!Array.isArray(document)) throw new Error("the first document lists resources");
  return document.map(String);
}

function readable(resource: CompiledResource | undefined): unknown {
  if (resource === undefined) return null;
  const schema = modelSchemas[resource.kind];
  return { version: resource.version, content: toJson(schema, fromBinary(schema, resource.bytes)) };
}
