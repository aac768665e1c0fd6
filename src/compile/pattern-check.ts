/** Whether an operator's pattern is one that proxies can run: RE2 syntax. The engine itself runs in decide/. */
import { RE2JS } from "re2js";
import { errorLine } from "../kernel/index.ts";

/** Why it is none; undefined where it is one. */
export function patternProblem(expression: string): string | undefined {
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    return errorLine(error);
  }
}
