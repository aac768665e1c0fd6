/** Lists of patterns, prepared: is a text one of them? What is no pattern may be any: "unknown" where nothing else matches. */
import {
  fitsTemplate,
  fitsTextPattern,
  parsePathPattern,
  parseTextPattern,
  type PathPattern,
  type PathTemplate,
  type TextPattern,
} from "../../kernel/index.ts";
import type { Truth } from "./truth.ts";

/** From so many exact texts on a set is faster than to compare them one by one. */
const setSize = 8;

export class PatternList {
  readonly #isAny: boolean;
  readonly #exact: readonly string[];
  /** Of `#exact`; undefined: it is short. */
  readonly #exactSet: ReadonlySet<string> | undefined;
  readonly #prefixes: readonly string[];
  readonly #suffixes: readonly string[];
  readonly #templates: readonly PathTemplate[];
  readonly #otherwise: Truth;

  private constructor(parsed: readonly (PathPattern | undefined)[]) {
    const ofKind = (kind: TextPattern["kind"]): string[] =>
      parsed.flatMap((pattern) => (pattern?.kind === kind ? [pattern.text] : []));
    this.#isAny = ofKind("any").length > 0;
    this.#exact = ofKind("exact");
    this.#exactSet = this.#exact.length >= setSize ? new Set(this.#exact) : undefined;
    this.#prefixes = ofKind("prefix");
    this.#suffixes = ofKind("suffix");
    this.#templates = parsed.flatMap((pattern) => (pattern?.kind === "template" ? [pattern] : []));
    this.#otherwise = parsed.includes(undefined) ? "unknown" : "no";
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
    if (this.#isAny && text !== "") return "yes";
    if (this.#isExact(text)) return "yes";
    for (const prefix of this.#prefixes) if (text.startsWith(prefix)) return "yes";
    for (const suffix of this.#suffixes) if (text.endsWith(suffix)) return "yes";
    for (const template of this.#templates) if (fitsTemplate(template, text)) return "yes";
    return this.#otherwise;
  }

  #isExact(text: string): boolean {
    if (this.#exactSet !== undefined) return this.#exactSet.has(text);
    for (const exact of this.#exact) if (text === exact) return true;
    return false;
  }
}

/** `value` against one pattern; undefined: it is none. */
export function fits(pattern: TextPattern | undefined, value: string): Truth {
  if (pattern === undefined) return "unknown";
  return fitsTextPattern(pattern, value) ? "yes" : "no";
}
