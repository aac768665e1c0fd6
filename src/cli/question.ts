/** A question to whoever sits at the terminal. */
import { createInterface } from "node:readline/promises";

/** Undefined where input or messages are no terminal: then nobody reads it. */
export function askOf(
  process: Pick<NodeJS.Process, "stdin" | "stderr">,
): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return isYes(await lines.question(`${question} [y/N] `));
    } finally {
      lines.close();
    }
  };
}

function isYes(answer: string): boolean {
  return ["y", "yes"].includes(answer.trim().toLowerCase());
}
