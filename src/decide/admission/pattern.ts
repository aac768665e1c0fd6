/** Lists of patterns, prepared: is a text one of them? What is no pattern may be any: "unknown" where nothing else matches. */
import {
  fitsPathPattern,
  fitsTextPattern,
  parsePathPattern,
  parseTextPattern,
  type PathPattern,
  type TextPattern,
} from "../../kernel/index.ts";
import type { Truth } from "./truth.ts";

/** From so many exact texts on a set is faster than to compare them one by one. */
const setSize = 8;

export class PatternList {
  readonly #patterns: readonly PathPattern[];
  readonly #exact: ReadonlySet<string> | undefined;
  readonly #otherwise: Truth;

  private constructor(parsed: readonly (PathPattern | undefined)[]) {
    const patterns = parsed.filter((pattern) => pattern !== undefined);
    const exact = patterns.flatMap((pattern) => (pattern.kind === "exact" ? [pattern.text] : []));
    this.#exact = exact.length >= setSize ? new Set(exact) : undefined;
    this.#patterns = this.#exact === undefined ? patterns : patterns.filter(({ kind }) => kind !== "exact");
    this.#otherwise = patterns.length < parsed.length ? "unknown" : "no";
  }

  static ofTexts(patterns: readonly string[]): PatternList {
    return new PatternList(patterns.map(parseTextPattern));
  }

  /** Compared without regard to case: what is asked about must be in lower case. */
  static ofNames(patterns: readonly string[]): PatternList {
    return new PatternList(patterns.map((pattern) => parseTextPattern(pattern.toLowerCase())));
  }

  static ofPaths(patterns: readonly string[]): PatternList {
    return new PatternList(patterns.map(parsePathPattern));
  }

  /** Any of them. */
  has(text: string): Truth {
    if (this.#exact?.has(text) === true) return "yes";
    for (const pattern of this.#patterns) {
      const fits =
        pattern.kind === "template" ? fitsPathPattern(pattern, text) : fitsTextPattern(pattern, text);
      if (fits) return "yes";
    }
    return this.#otherwise;
  }
}

/** `value` against one pattern; undefined: it is none. */
export function fits(pattern: TextPattern | undefined, value: string): Truth {
  if (pattern === undefined) return "unknown";
  return fitsTextPattern(pattern, value) ? "yes" : "no";
}
