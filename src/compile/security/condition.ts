/**
 * Conditions in CEL, checked and lowered to what proxies run. Taken are the operators and functions of the model, over
 * the attributes of its table; whatever else CEL has is refused with its name and place, so that no condition is
 * accepted and then means something else.
 */
import { parse } from "@bufbuild/cel";
import { errorLine } from "../../kernel/index.ts";
import type { ExpressionContent } from "./expression-shape.ts";
import { type AttributeTable, type Condition, Lowering, Refusal } from "./lowering.ts";

/** Deeper nesting is no condition that a person has written, and recursion has a bound. */
const maxDepth = 64;

type Read<T> = T | { readonly problem: string };

export function readCondition(text: string, table?: AttributeTable): Read<Condition> {
  return read(text, table, (lowering, root) => lowering.condition(root));
}

/** A value that stands in a label or a field. */
export function readScalar(text: string, table: AttributeTable): Read<{ expression: ExpressionContent }> {
  return read(text, table, (lowering, root) => ({ expression: lowering.scalar(root) }));
}

function read<T>(
  text: string,
  table: AttributeTable | undefined,
  lower: (lowering: Lowering, root: ReturnType<typeof parse>["expr"]) => T,
): Read<T> {
  if (deepest(text) > maxDepth) return { problem: `is nested deeper than ${maxDepth} levels` };
  try {
    const { expr, sourceInfo } = parse(text);
    return lower(new Lowering(sourceInfo?.positions ?? {}, table), expr);
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
