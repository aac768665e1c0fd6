/** The conformance suite of others, strict, plain and over TLS. Needs its binary: WEFT_H2SPEC=/path/to/h2spec. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const h2spec = process.env["WEFT_H2SPEC"];
const server = join(import.meta.dir, "../../test/conformance/h2-server.ts");

test.skipIf(h2spec === undefined).each([
  ["plain", 0, []],
  ["over TLS", 1, ["-t", "-k"]],
] as const)(
  "h2spec strict, %s: 146 of 146",
  async (_name, index, options) => {
    const serving = Bun.spawn([process.execPath, server], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = serving.stdout.getReader();
    const ports = new TextDecoder()
      .decode((await reader.read()).value)
      .trim()
      .split(" ");
    const command = [h2spec ?? "h2spec", "-S", "-p", ports[index] ?? "", ...options];
    const checking = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
    const report = await new Response(checking.stdout).text();
    void serving.stdin.end();
    await serving.exited;
    expect(report.trim().split("\n").at(-1)).toBe("146 tests, 146 passed, 0 skipped, 0 failed");
  },
  120_000,
);
