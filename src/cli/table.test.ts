/** Tables: alignment, fitting a terminal, text that is not to be trusted. */
import { expect, test } from "bun:test";
import { formatTable } from "./table.ts";

test("aligns columns, numbers to the right", () => {
  const table = formatTable(
    ["NAME", "N"],
    [
      ["a", "1"],
      ["long-name", "200"],
    ],
    { right: [1] },
  );
  expect(table).toBe("NAME          N\na             1\nlong-name   200\n");
});

test("cuts the widest column first when the terminal is too narrow", () => {
  const table = formatTable(["A", "B"], [["short", "x".repeat(60)]], { width: 30 });
  expect(table.split("\n")[1]).toBe(`short   ${"x".repeat(21)}…`);
  expect(Math.max(...table.split("\n").map((line) => Bun.stringWidth(line)))).toBe(30);
});

test("cuts nothing without a terminal", () => {
  expect(formatTable(["A"], [["x".repeat(500)]])).toContain("x".repeat(500));
});

test("counts wide characters as two columns", () => {
  const lines = formatTable(
    ["NAME", "N"],
    [
      ["織り", "1"],
      ["abcd", "2"],
    ],
  ).split("\n");
  expect(lines[1]).toBe("織り   1");
  expect(lines[2]).toBe("abcd   2");
});

test("does not let text from elsewhere move the cursor", () => {
  expect(formatTable(["A"], [["\u001b[2Jx\u009b"]])).toBe("A\n\\x1b[2Jx\\x9b\n");
});
