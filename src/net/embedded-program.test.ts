/** The program in an executable of Bun's: found in one that is built here, and in nothing else. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedProgram } from "./embedded-program.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-embedded-program-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(process.platform !== "linux")("finds the program's text in an executable", async () => {
  const source = join(folder, "program.ts");
  const executable = join(folder, "program");
  writeFileSync(source, 'console.log("text of the program");\n');
  const { success } = await Bun.build({ entrypoints: [source], compile: { outfile: executable } });
  expect(success).toBe(true);
  const { offset, bytes } = embeddedProgram(executable) ?? expect.unreachable();
  const section = readFileSync(executable).subarray(offset, offset + bytes);
  expect(section.includes("text of the program")).toBe(true);
});

test("finds none in what is no executable, or a short one", () => {
  const file = join(folder, "file");
  for (const content of [
    "",
    "no ELF file".repeat(20),
    "\x7fELF\x02\x01",
    `\x7fELF\x02\x01${"\0".repeat(60)}`,
  ]) {
    writeFileSync(file, content);
    expect(embeddedProgram(file)).toBeUndefined();
  }
});
