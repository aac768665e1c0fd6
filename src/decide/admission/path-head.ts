/**
 * Paths by their first segment. What patterns say of a path often depends on no more than that, and the first segments that
 * patterns name are few, whatever clients ask for.
 */
import { parsePathPattern, type PathPattern } from "../../kernel/index.ts";

/** For what no first segment decides: prefixes that end within it, suffixes, templates that leave it open. */
export type PathHeads = ReadonlySet<string> | undefined;

/** Of "/orders/7": "orders". */
export function headOf(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path.slice(1) : path.slice(1, end);
}

/** The answer of the patterns is the same for all paths that begin with "/" and with none of these; undefined: it is not. */
export function headsOf(patterns: readonly string[]): PathHeads {
  // What is no pattern tells no paths apart: any may be meant.
  const parsed = patterns.map(parsePathPattern).filter((pattern) => pattern !== undefined);
  if (parsed.some(fitsEveryPath)) return new Set();
  const heads = new Set<string>();
  for (const pattern of parsed) {
    const head = headOfPattern(pattern);
    if (head === undefined) return undefined;
    heads.add(head);
  }
  return heads;
}

function fitsEveryPath(pattern: PathPattern): boolean {
  return pattern.kind === "any" || (pattern.kind === "prefix" && pattern.text === "/");
}

function headOfPattern(pattern: PathPattern): string | undefined {
  switch (pattern.kind) {
    case "exact":
      return headOf(pattern.text);
    case "prefix":
      return pattern.text.includes("/", 1) ? headOf(pattern.text) : undefined;
    case "template":
      return pattern.head[0];
    case "suffix":
    case "any":
      return undefined;
  }
}
