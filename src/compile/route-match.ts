/** One match of an HTTPRoute's rule in the form that proxies run. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ValueMatchSchema } from "../model/index.ts";
import { patternProblem } from "./pattern-check.ts";
import type { MatchContent } from "./precedence.ts";
import type { MatchInput, ValueMatchInput } from "./route-input.ts";

export function compileMatch(match: MatchInput, field: string, invalid: string[]): MatchContent {
  return {
    path: compilePath(match, field, invalid),
    method: match.method ?? "",
    headers: compileHeaderMatches(match.headers, `${field}.headers`, invalid),
    query: compileValues(match.queryParams, (name) => name, `${field}.queryParams`, invalid),
  };
}

export function compileHeaderMatches(
  headers: readonly ValueMatchInput[] | undefined,
  field: string,
  invalid: string[],
): MessageInitShape<typeof ValueMatchSchema>[] {
  return compileValues(headers, (name) => name.toLowerCase(), field, invalid);
}

function compilePath(match: MatchInput, field: string, invalid: string[]) {
  const value = match.path.value;
  switch (match.path.type) {
    case "Exact":
      return { case: "pathExact" as const, value };
    case "RegularExpression":
      checkPattern(value, `${field}.path.value`, invalid);
      return { case: "pathRegex" as const, value };
    case "PathPrefix":
      // A final slash is ignored, so `/` is the empty prefix and its length for precedence is 0.
      return { case: "pathPrefix" as const, value: value.endsWith("/") ? value.slice(0, -1) : value };
  }
}

/** Of entries with an equal name the first one counts, says Gateway API, and the others are ignored. */
function compileValues(
  values: readonly ValueMatchInput[] | undefined,
  nameOf: (name: string) => string,
  field: string,
  invalid: string[],
): MessageInitShape<typeof ValueMatchSchema>[] {
  const byName = new Map<string, MessageInitShape<typeof ValueMatchSchema>>();
  for (const [index, { name: written, type, value }] of (values ?? []).entries()) {
    const name = nameOf(written);
    if (byName.has(name)) continue;
    const isPattern = type === "RegularExpression";
    if (isPattern) checkPattern(value, `${field}[${index}].value`, invalid);
    byName.set(name, { name, value: { case: isPattern ? "regex" : "exact", value } });
  }
  return [...byName.values()];
}

function checkPattern(expression: string, field: string, invalid: string[]): void {
  const problem = patternProblem(expression);
  if (problem !== undefined) invalid.push(`${field}: "${expression}" is no RE2 expression: ${problem}`);
}
