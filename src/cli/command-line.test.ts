/** The command line as a whole: verbs, shared options, help, errors and exit codes. */
import { expect, test } from "bun:test";
import { runCommandLine } from "./command-line.ts";
import { recordOutput } from "./testing/record-output.ts";

async function weft(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const recorded = recordOutput();
  const code = await runCommandLine(args, { output: recorded.output, env: {} });
  return { code, out: recorded.out(), err: recorded.err() };
}

test("prints the version as text and as JSON", async () => {
  const text = await weft("version");
  expect(text.code).toBe(0);
  expect(text.out).toMatch(/^weft \d+\.\d+\.\d+ \(Bun /);
  expect(JSON.parse((await weft("version", "-o", "json")).out)).toHaveProperty("weft");
  expect((await weft("--version")).out).toBe(text.out);
});

test("takes shared options before the verb too", async () => {
  expect(JSON.parse((await weft("-o", "json", "version")).out)).toHaveProperty("bun");
});

test("lists the verbs with --help and leaves out what only weft calls", async () => {
  const { code, out } = await weft("--help");
  expect(code).toBe(0);
  expect(out).toContain("apply");
  expect(out).not.toContain("fabric");
});

test("explains one verb", async () => {
  const asked = await weft("help", "version");
  expect(asked).toEqual(await weft("version", "--help"));
  expect(asked.out).toContain("Usage: version");
});

test.each([
  ["no verb", [], "no verb given"],
  ["an unknown verb", ["aply"], '"aply"'],
  ["a verb that is a property of every object", ["toString"], '"toString"'],
  ["an unknown option", ["version", "--nope"], "unknown option '--nope'"],
  ["a value outside of the choices", ["version", "-o", "xml"], "Allowed choices are"],
  ["an argument too many", ["version", "x"], "too many arguments"],
])("answers %s in one line and exits 64", async (_, args, message) => {
  const { code, out, err } = await weft(...args);
  expect(code).toBe(64);
  expect(out).toBe("");
  expect(err).toContain(message);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
});
