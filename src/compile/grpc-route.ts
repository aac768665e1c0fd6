/**
 * A GRPCRoute's rules in the form that proxies run: the path of a call is `/service/method`, its method POST, its content
 * type gRPC's. What a rule does is what an HTTPRoute's does.
 */
import { patternProblem } from "./pattern-check.ts";
import type { GrpcRank, MatchContent, RankedMatch } from "./precedence.ts";
import type { GrpcMatchInput, GrpcRouteInput, GrpcRuleInput, RuleInput } from "./route-input.ts";
import { compileHeaderMatches } from "./route-match.ts";

/** The rule as an HTTPRoute would have it; its matches are compiled by `compileGrpcMatches`. */
export function asHttpRule(rule: GrpcRuleInput): RuleInput {
  const { matches: _matches, ...rest } = rule;
  return { ...rest, matches: [] };
}

export function compileGrpcMatches(route: GrpcRouteInput, invalid: string[]): RankedMatch[] {
  return (route.spec.rules ?? []).flatMap((rule, index): RankedMatch[] => {
    const { matches = [] } = rule;
    if (matches.length === 0) return [{ rule: index, match: everyCall, grpc: { service: 0, method: 0 } }];
    return matches.map((match, i) => {
      const field = `spec.rules[${index}].matches[${i}]`;
      return { rule: index, match: compileMatch(match, field, invalid), grpc: rankOf(match) };
    });
  });
}

const everyCall: MatchContent = { grpc: true };

function rankOf({ method }: GrpcMatchInput): GrpcRank {
  return { service: method?.service?.length ?? 0, method: method?.method?.length ?? 0 };
}

function compileMatch(match: GrpcMatchInput, field: string, invalid: string[]): MatchContent {
  return {
    path: compilePath(match.method, `${field}.method`, invalid),
    headers: compileHeaderMatches(match.headers, `${field}.headers`, invalid),
    grpc: true,
  };
}

const anySegment = "[^/]+";

/** An empty name means any, as an absent one does. */
function compilePath(
  wanted: GrpcMatchInput["method"],
  field: string,
  invalid: string[],
): NonNullable<MatchContent["path"]> {
  const { service = "", method = "", type } = wanted ?? {};
  if (service === "" && method === "") return { case: undefined };
  if (type === "RegularExpression") {
    check(service, `${field}.service`, invalid);
    check(method, `${field}.method`, invalid);
    return { case: "pathRegex", value: `/${grouped(service)}/${grouped(method)}` };
  }
  if (service === "") return { case: "pathRegex", value: `/${anySegment}/${method}` };
  return method === ""
    ? { case: "pathPrefix", value: `/${service}` }
    : { case: "pathExact", value: `/${service}/${method}` };
}

function grouped(expression: string): string {
  return expression === "" ? anySegment : `(?:${expression})`;
}

/** Each by itself: two halves of a group must not make a whole. */
function check(expression: string, field: string, invalid: string[]): void {
  const problem = patternProblem(expression);
  if (problem !== undefined) invalid.push(`${field}: "${expression}" is no RE2 expression: ${problem}`);
}
