/** How sure it is that a list has an entry for what a request has. */
export type Certainty = "yes" | "no" | "unknown" | "error";

/** That no entry matches is not known where there is nothing to compare. */
export function negated(certainty: Certainty | "absent"): Certainty {
  if (certainty === "yes") return "no";
  return certainty === "no" ? "yes" : certainty === "error" ? "error" : "unknown";
}

/** Exact, prefix*, *suffix, *. */
export function isLike(pattern: string, text: string): boolean {
  if (pattern === "*") return text.length > 0;
  const [head = "", tail] = pattern.split("*");
  return tail === undefined ? text === head : text.startsWith(head) && text.endsWith(tail);
}
