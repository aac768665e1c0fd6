/** The grammar of patterns in policies: exact, "prefix*", "*suffix", or "*" for any text that is not empty. */

export interface TextPattern {
  readonly kind: "exact" | "prefix" | "suffix" | "any";
  /** Without the star. */
  readonly text: string;
}

/** Undefined where the text is no pattern. */
export function parseTextPattern(pattern: string): TextPattern | undefined {
  if (textPatternProblem(pattern) !== undefined) return undefined;
  if (pattern === "*") return { kind: "any", text: "" };
  if (pattern.endsWith("*")) return { kind: "prefix", text: pattern.slice(0, -1) };
  if (pattern.startsWith("*")) return { kind: "suffix", text: pattern.slice(1) };
  return { kind: "exact", text: pattern };
}

/** What is wrong with a pattern, for whoever wrote it; undefined: nothing. */
export function textPatternProblem(pattern: string): string | undefined {
  if (pattern === "") return "is empty";
  const stars = pattern.split("*").length - 1;
  if (stars > 1) return "has more than one *: a pattern is exact, prefix*, *suffix or *";
  if (stars === 1 && !pattern.startsWith("*") && !pattern.endsWith("*"))
    return "has a * in its middle: a pattern is exact, prefix*, *suffix or *";
  return undefined;
}

export function fitsTextPattern({ kind, text }: TextPattern, value: string): boolean {
  switch (kind) {
    case "exact":
      return value === text;
    case "prefix":
      return value.startsWith(text);
    case "suffix":
      return value.endsWith(text);
    case "any":
      return value !== "";
  }
}
