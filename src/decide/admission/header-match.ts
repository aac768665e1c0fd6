/**
 * Headers of a request. Of a repeated header servers read the first line, the last, or all of them joined, and some split
 * at commas: what all of that fits is sure to fit, what none of it fits is sure not to.
 */
import { parseTextPattern, type TextPattern } from "../../kernel/index.ts";
import type { HeaderPattern } from "../../model/index.ts";
import { ListConditions, needsHttp } from "./condition.ts";
import { fits } from "./pattern.ts";
import type { HttpFacts } from "./request.ts";
import type { Truth } from "./truth.ts";

interface PreparedHeader {
  readonly name: string;
  /** Undefined: it cannot be read. */
  readonly pattern: TextPattern | undefined;
}

/** Values are not shown: they may be secrets. */
export const headerConditions = new ListConditions<HeaderPattern>(
  {
    name: "headers",
    needs: needsHttp,
    show: (facts) => (facts.request.http === undefined ? "" : "what the request has"),
  },
  (entries) => {
    const headers = entries.map(prepareHeader);
    return ({ request: { http } }) => {
      if (http === undefined) return "unknown";
      let truth: Truth = "no";
      for (const header of headers) {
        const one = hasHeader(http, header);
        if (one === "yes") return "yes";
        if (one === "unknown") truth = "unknown";
      }
      return truth;
    };
  },
);

function prepareHeader({ name, value }: HeaderPattern): PreparedHeader {
  return { name: name.toLowerCase(), pattern: parseTextPattern(value) };
}

function hasHeader(http: HttpFacts, { name, pattern }: PreparedHeader): Truth {
  const joined = http.header(name);
  if (joined === undefined) return "no";
  if (pattern?.kind === "any") return "yes";
  if (!joined.includes(",")) return fits(pattern, joined);
  if (pattern === undefined) return "unknown";
  return hasValues(pattern, joined, http.headerValues?.(name) ?? partsOf(joined));
}

/** `values`: of each line, as far as they can be told apart. */
function hasValues(pattern: TextPattern, joined: string, values: readonly string[]): Truth {
  const isJoined = fits(pattern, joined) === "yes";
  if (isJoined && (pattern.kind === "exact" || values.length === 1)) return "yes";
  const fitting = values.filter((value) => fits(pattern, value) === "yes").length;
  if (fitting === values.length) return "yes";
  const isPossible = isJoined || fitting > 0 || partsOf(joined).some((part) => fits(pattern, part) === "yes");
  return isPossible ? "unknown" : "no";
}

function partsOf(joined: string): string[] {
  return joined.split(",").map((part) => part.trim());
}
