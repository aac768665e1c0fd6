/** The table of protocol names in the reference says what the compiler knows: no name less, none more, none otherwise. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { protocolNamed } from "../../src/compile/protocol.ts";
import { Protocol } from "../../src/model/index.ts";
import { root } from "./source-files.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

function documented(): [string, string][] {
  const table = read("docs/reference/protocols.md").split("## Names")[1]?.split("\n## ")[0] ?? "";
  return [...table.matchAll(/^\| `([^`]+)` +\| (\w+) +\|/gm)].map(([, name = "", protocol = ""]) => [
    name,
    protocol,
  ]);
}

/** The record is private to its file, so its keys are read from the text. */
function known(): string[] {
  const record = /const declared[^{]+\{([\s\S]*?)\n\};/.exec(read("src/compile/protocol.ts"))?.[1] ?? "";
  return [...record.matchAll(/^ {2}(?:"([^"]+)"|(\w+)): Protocol\./gm)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

test("every name of the code is in the reference, and every name of the reference in the code", () => {
  expect(known().length).toBeGreaterThan(20);
  expect(
    documented()
      .map(([name]) => name)
      .toSorted(),
  ).toEqual(known().toSorted());
});

test("each name means what the reference says", () => {
  for (const [name, protocol] of documented())
    expect([name, Protocol[protocolNamed(name)]]).toEqual([name, protocol]);
});
