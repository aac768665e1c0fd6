/** Errors as a person reads them: one line per problem, a stack only for defects. */
import { exitCodes, errorLine, issueLine, WeftError } from "../kernel/index.ts";
import { plainText } from "./plain-text.ts";
import type { Output } from "./output.ts";

export function exitCodeOf(error: unknown): number {
  return error instanceof WeftError ? exitCodes[error.code] : exitCodes.internal;
}

export function reportError(error: unknown, output: Output): void {
  if (error instanceof WeftError && error.code !== "internal") {
    for (const issue of error.issues) output.note(plainText(issueLine(issue)));
    // The issues say it all; the message only repeats that there are some.
    if (error.issues.length === 0) output.note(`weft: ${plainText(errorLine(error))}`);
    return;
  }
  output.note(`weft: a defect: ${plainText(errorLine(error))}; please report it with what follows`);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    output.note(cause.stack ?? cause.message);
  }
}
