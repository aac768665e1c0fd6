/**
 * Operators' patterns: RE2 syntax on a linear-time engine, so that no input can hang a proxy. The whole text must
 * match, but in `test`. The only file of the data plane that knows the engine.
 */
import type { RE2JS } from "re2js";
import { errorLine, WeftError } from "../kernel/index.ts";

export interface Pattern {
  matches(text: string): boolean;
  /** Anywhere in the text. */
  test(text: string): boolean;
}

/** Throws `bad_input` where the text is no RE2 expression: the control plane checked it before, so a proxy rejects the push. */
export function compilePattern(expression: string): Pattern {
  try {
    return engine().compile(expression);
  } catch (cause) {
    throw new WeftError("bad_input", `"${expression}" is no RE2 expression: ${errorLine(cause)}`, { cause });
  }
}

/** Loaded with the first pattern: its tables are 1.5 MB that a mesh without patterns does not need. */
function engine(): typeof RE2JS {
  const loaded: { readonly RE2JS: typeof RE2JS } = require("re2js");
  return loaded.RE2JS;
}
