/**
 * Conditions in CEL, checked and lowered to what proxies run. Taken are the operators and functions of the model, over
 * the attributes of its table; whatever else CEL has is refused with its name and place, so that no condition is
 * accepted and then means something else.
 */
import { parse } from "@bufbuild/cel";
import { errorLine } from "../../kernel/index.ts";
import { type Attribute, attributes } from "../../model/index.ts";
import { type Condition, Lowering, Refusal } from "./lowering.ts";

/** Deeper nesting is no condition that a person has written, and recursion has a bound. */
const maxDepth = 64;

/** `readable`: what it may read; default: what conditions of authorization may. */
export function readCondition(
  text: string,
  readable: readonly Attribute[] = attributes,
): Condition | { readonly problem: string } {
  if (deepest(text) > maxDepth) return { problem: `is nested deeper than ${maxDepth} levels` };
  try {
    const { expr, sourceInfo } = parse(text);
    return new Lowering(sourceInfo?.positions ?? {}, readable).condition(expr);
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message };
    return { problem: syntaxError(error) };
  }
}

/** Brackets, wherever they stand: those in texts make it more than it is, never less. */
function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (const character of text) {
    if ("([{".includes(character)) most = Math.max(most, ++depth);
    else if (")]}".includes(character)) depth = Math.max(0, depth - 1);
  }
  return most;
}

function syntaxError(error: unknown): string {
  const place = placeOf(error);
  const message = errorLine(error).replace(/^(?:syntax error )?<input>:\d+:\d+: /, "");
  return place === undefined ? `cannot be read: ${message}` : `${place}: ${message}`;
}

function placeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("location" in error)) return undefined;
  const { location } = error;
  if (typeof location !== "object" || location === null || !("start" in location)) return undefined;
  const { start } = location;
  if (typeof start !== "object" || start === null || !("line" in start) || !("column" in start)) {
    return undefined;
  }
  return `line ${String(start.line)}, column ${String(start.column)}`;
}
