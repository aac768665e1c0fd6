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

  /** Any of them. Loops count, as iterators cost more than what is compared. */
  has(text: string): Truth {
    if (this.#isAny && text !== "") return "yes";
    return this.#isExact(text) || this.#isPart(text) || this.#fitsTemplate(text) ? "yes" : this.#otherwise;
  }

  #isExact(text: string): boolean {
    if (this.#exactSet !== undefined) return this.#exactSet.has(text);
    const exact = this.#exact;
    for (let i = 0; i < exact.length; i++) if (text === exact[i]) return true;
    return false;
  }

  #isPart(text: string): boolean {
    const prefixes = this.#prefixes;
    for (let i = 0; i < prefixes.length; i++) if (text.startsWith(prefixes[i] ?? "")) return true;
    const suffixes = this.#suffixes;
    for (let i = 0; i < suffixes.length; i++) if (text.endsWith(suffixes[i] ?? "")) return true;
    return false;
  }

  #fitsTemplate(text: string): boolean {
    const templates = this.#templates;
    for (let i = 0; i < templates.length; i++) {
      const template = templates[i];
      if (template !== undefined && fitsTemplate(template, text)) return true;
    }
    return false;
  }
}

/** `value` against one pattern; undefined: it is none. */
export function fits(pattern: TextPattern | undefined, value: string): Truth {
  if (pattern === undefined) return "unknown";
  return fitsTextPattern(pattern, value) ? "yes" : "no";
}
