/** Results of tests in TAP, version 14 (testanything.org). */
import type { TestResult } from "./run-tests.ts";

export function tapText(results: readonly TestResult[]): string {
  const lines = ["TAP version 14", `1..${results.length}`];
  for (const [index, { name, file, line, failures }] of results.entries()) {
    const isOk = failures.length === 0;
    lines.push(`${isOk ? "ok" : "not ok"} ${index + 1} - ${description(name)}`);
    if (isOk) continue;
    lines.push(
      "  ---",
      `  at: ${JSON.stringify(`${file}:${line}`)}`,
      "  failures:",
      ...failures.map((failure) => `    - ${JSON.stringify(`${file}:${failure.line}: ${failure.message}`)}`),
      "  ...",
    );
  }
  return `${lines.join("\n")}\n`;
}

/** A number sign would begin a directive, a backslash an escape. */
function description(name: string): string {
  return name.replace(/[\\#]/g, "\\$&").replace(/\s+/g, " ").trim();
}
