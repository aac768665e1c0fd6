/** The page about reasons has every one that proxies, the command line, the API and conditions can say, with the codes of the source. */
import { expect, test } from "bun:test";
import { Glob } from "bun";
import { join } from "node:path";
import { exitCodes, httpStatuses, reasons } from "../../src/kernel/index.ts";
import { root } from "./source-files.ts";

const page = await Bun.file(join(root, "docs/reference/reasons.md")).text();

/** Cells of the rows of the table below a heading, without the head. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("reasons of requests stand there as proxies answer with them, each with a cause and what to do", () => {
  const rows = rowsBelow("What a proxy says of a request");
  expect(rows.map((row) => row.slice(0, 5))).toEqual(
    Object.entries(reasons).map(([code, reason]) => [
      ...[`\`${code}\``, String(reason.httpStatus), String(reason.grpcStatus), reason.responseClass],
      reason.isUnprocessed ? "yes" : "no",
    ]),
  );
  for (const row of rows) expect(row.slice(5).every((cell) => cell.length > 5)).toBe(true);
});

test("errors stand there with their exit codes and statuses", () => {
  expect(rowsBelow("What the command line and the API say").map((row) => row.slice(0, 3))).toEqual(
    Object.entries(httpStatuses).map(([code, status]) => [
      `\`${code}\``,
      String(Object.entries(exitCodes).find(([name]) => name === code)?.[1]),
      String(status),
    ]),
  );
});

test("every reason that the compiler writes into a condition stands there", async () => {
  const known = new Set(
    rowsBelow("What stands in conditions").flatMap(([names = ""]) =>
      names.split(",").map((name) => name.trim().replaceAll("`", "")),
    ),
  );
  // Where all is well the reason is the condition's own name, or says that.
  const wellNames = new Set(["Accepted", "Programmed", "ResolvedRefs", "Enforced", "NoConflicts"]);
  const written = new Set<string>();
  for await (const file of new Glob("src/compile/**/*.ts").scan({ cwd: root })) {
    if (/\.test\.ts$|\/test\//.test(file)) continue;
    const source = await Bun.file(join(root, file)).text();
    for (const [, name = ""] of source.matchAll(/\breason: "([A-Z][A-Za-z]+)"/g)) written.add(name);
  }
  expect(written.size).toBeGreaterThan(15);
  expect([...written].filter((name) => !known.has(name) && !wellNames.has(name))).toEqual([]);
});
