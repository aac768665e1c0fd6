/**
 * A bounded deep copy of untrusted JSON-like input. Null members are dropped, as Kubernetes does for fields that are
 * not nullable, so that defaults apply to them. Keys that would reach an object's prototype are refused.
 */
import type { Issue } from "../kernel/index.ts";
import { joinPath } from "./field-path.ts";

/** The deepest kind (HTTPRoute) needs 12. */
export const maxDepth = 64;
/** Nodes of one object: a bound on what a small text may grow to through aliases. */
export const maxNodes = 250_000;

export function clonePlain(input: unknown): { value: unknown } | { issues: Issue[] } {
  let nodes = 0;
  const issues: Issue[] = [];
  function copy(value: unknown, path: string, depth: number): unknown {
    nodes++;
    if (issues.length > 0) return undefined;
    if (nodes > maxNodes) return void issues.push({ path: "", message: `more than ${maxNodes} values` });
    if (depth > maxDepth) return void issues.push({ path, message: `nested deeper than ${maxDepth} levels` });
    if (Array.isArray(value)) return value.map((item, index) => copy(item, joinPath(path, index), depth + 1));
    if (typeof value !== "object" || value === null) return value;
    const result: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      if (key === "__proto__") issues.push({ path: joinPath(path, key), message: "this key is refused" });
      if (member === null || member === undefined) continue;
      result[key] = copy(member, joinPath(path, key), depth + 1);
    }
    return result;
  }
  const value = copy(input, "", 0);
  return issues.length > 0 ? { issues } : { value };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
