/**
 * The grammar of paths in policies: a pattern (text-pattern.ts), or a template in which "{*}" stands for one segment that
 * is not empty and "{**}", once, for any number of segments, also none. Paths are compared in normal form, so what is not in
 * normal form could never match: it is refused.
 */
import { fitsTextPattern, parseTextPattern, type TextPattern, textPatternProblem } from "./text-pattern.ts";

export interface PathTemplate {
  readonly kind: "template";
  /** Before "{**}", or all of them. Undefined: one segment, whichever. */
  readonly head: readonly (string | undefined)[];
  /** After "{**}"; undefined: there is none. */
  readonly tail: readonly (string | undefined)[] | undefined;
}

export type PathPattern = TextPattern | PathTemplate;

/** Undefined where the text is no pattern of paths. */
export function parsePathPattern(pattern: string): PathPattern | undefined {
  if (pathPatternProblem(pattern) !== undefined) return undefined;
  const normal = normalizeEscapes(pattern);
  if (!isTemplate(pattern)) return parseTextPattern(normal);
  const segments = normal.slice(1).split("/");
  const rest = segments.indexOf("{**}");
  return {
    kind: "template",
    head: (rest < 0 ? segments : segments.slice(0, rest)).map(segmentOf),
    tail: rest < 0 ? undefined : segments.slice(rest + 1).map(segmentOf),
  };
}

/** What is wrong with a pattern, for whoever wrote it; undefined: nothing. */
export function pathPatternProblem(pattern: string): string | undefined {
  if (/[?#]/.test(pattern)) return "has a query or a fragment: a path ends before them";
  if (pattern.includes("\\")) return "has a backslash";
  if (/%(?![0-9a-fA-F]{2})|%00/.test(pattern)) return "has a % that begins no escape, or an escaped NUL";
  const segments = normalizeEscapes(pattern).split("/");
  if (segments.slice(1, -1).includes(""))
    return "has an empty segment: paths are compared with slashes merged";
  if (segments.some((segment) => segment === "." || segment === ".."))
    return "has a dot segment: paths are compared without them";
  return isTemplate(pattern) ? templateProblem(pattern) : plainProblem(pattern);
}

function plainProblem(pattern: string): string | undefined {
  const problem = textPatternProblem(pattern);
  if (problem !== undefined) return problem;
  return pattern.startsWith("/") || pattern.startsWith("*") ? undefined : "does not begin with / or *";
}

function templateProblem(pattern: string): string | undefined {
  if (!pattern.startsWith("/")) return "is a template that does not begin with /";
  const segments = pattern.slice(1).split("/");
  if (segments.filter((segment) => segment === "{**}").length > 1) return "has {**} more than once";
  const odd = segments.find((segment) => /[{}*]/.test(segment) && segment !== "{*}" && segment !== "{**}");
  return odd === undefined ? undefined : `has the segment "${odd}": {*} and {**} are whole segments`;
}

export function fitsPathPattern(pattern: PathPattern, path: string): boolean {
  if (pattern.kind !== "template") return fitsTextPattern(pattern, path);
  if (!path.startsWith("/")) return false;
  const segments = path.slice(1).split("/");
  const { head, tail } = pattern;
  if (tail === undefined) return segments.length === head.length && fitsSegments(head, segments, 0);
  const rest = segments.length - tail.length;
  return rest >= head.length && fitsSegments(head, segments, 0) && fitsSegments(tail, segments, rest);
}

function fitsSegments(
  wanted: readonly (string | undefined)[],
  segments: readonly string[],
  start: number,
): boolean {
  for (let i = 0; i < wanted.length; i++) {
    const segment = segments[start + i];
    const text = wanted[i];
    if (text === undefined ? segment === "" : segment !== text) return false;
  }
  return true;
}

function segmentOf(segment: string): string | undefined {
  return segment === "{*}" ? undefined : segment;
}

function isTemplate(pattern: string): boolean {
  return /[{}]/.test(pattern);
}

const encoder = new TextEncoder();

/**
 * RFC 3986 section 6.2.2.1 and 6.2.2.2: escapes of letters, digits, `-`, `.`, `_` and `~` are decoded, other escapes are in
 * upper case. What is no ASCII becomes the escapes of its UTF-8.
 */
export function normalizeEscapes(path: string): string {
  let normal = path;
  if (normal.includes("%")) {
    normal = normal.replace(/%([0-9a-fA-F]{2})/g, (escape, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
    });
  }
  return normal.replace(/[^\0-\x7f]+/g, (text) =>
    Array.from(encoder.encode(text), (byte) => `%${byte.toString(16).toUpperCase()}`).join(""),
  );
}
