/**
 * One route, compiled apart from its parents: rules, matches, and where it attaches. A route that is invalid yields
 * none; its last good one then stays in force, and the status says so.
 */
import { attach, isService } from "./attachment.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import type {
  Attachment,
  CompiledConnectionRoute,
  CompiledHttpRoute,
  CompiledRoute,
  ConnectionRuleContent,
} from "./compiled-route.ts";
import { asHttpRule, compileGrpcMatches } from "./grpc-route.ts";
import type { InputReader } from "./inputs.ts";
import type { RankedMatch } from "./precedence.ts";
import type { ConnectionRouteInput, HttpRouteInput, RequestRouteInput, RouteInput } from "./route-input.ts";
import { compileMatch } from "./route-match.ts";
import { compileRule, type RuleProblems } from "./route-rule.ts";
import { type JudgedParent, type JudgedRoute, judge } from "./judged-route.ts";
import { type ComputedCondition, condition } from "./status.ts";

export interface RouteOutcome {
  /** Undefined: the route cannot compile. */
  readonly route: CompiledRoute | undefined;
  readonly judged: JudgedRoute;
}

export function compileRoute(inputs: InputReader, route: RouteInput): RouteOutcome {
  return route.kind === "HTTPRoute" || route.kind === "GRPCRoute"
    ? compileRequestRoute(inputs, route)
    : compileConnectionRoute(inputs, route);
}

function compileRequestRoute(inputs: InputReader, route: RequestRouteInput): RouteOutcome {
  const invalid: string[] = [];
  const matches =
    route.kind === "HTTPRoute" ? httpMatches(route, invalid) : compileGrpcMatches(route, invalid);
  const places = compileForPlaces(inputs, route, (reader) => compileRequestRules(reader, route));
  const { problems, isSupported } = places.own;
  invalid.push(...problems.invalid);
  const { attachments, parents } = attachAll(inputs, route, {
    acceptance: acceptance({ unsupported: problems.unsupported, invalid }, isSupported),
    meshAcceptance: acceptance(
      { unsupported: places.mesh.problems.unsupported, invalid },
      places.mesh.isSupported,
    ),
    resolution: resolution(problems.unresolved),
    meshResolution: resolution(places.mesh.problems.unresolved),
  });
  const compiled: CompiledHttpRoute = {
    kind: route.kind,
    ...orderOf(route),
    ...rulesOf(places),
    matches,
    attachments,
    isAccepted: isSupported || problems.unsupported.length === 0,
  };
  return { route: invalid.length > 0 ? undefined : compiled, judged: judge(route, parents) };
}

interface CompiledRules<Rule> {
  readonly rules: readonly Rule[];
  readonly problems: RuleProblems;
  /** Some rule works. */
  readonly isSupported: boolean;
}

interface Places<Rule> {
  /** At Gateways, or the only ones there are. */
  readonly own: CompiledRules<Rule>;
  /** Under Services. */
  readonly mesh: CompiledRules<Rule>;
}

function compileForPlaces<Rule>(
  inputs: InputReader,
  { spec: { parentRefs = [] } }: RouteInput,
  compile: (reader: InputReader) => CompiledRules<Rule>,
): Places<Rule> {
  const isInMesh = parentRefs.some(isService);
  const isElsewhere = parentRefs.length === 0 || !parentRefs.every(isService);
  const mesh = isInMesh ? compile(inputs.withoutGrants()) : undefined;
  const own = isElsewhere || mesh === undefined ? compile(inputs) : mesh;
  return { own, mesh: mesh ?? own };
}

function rulesOf<Rule>({ own, mesh }: Places<Rule>): {
  rules: readonly Rule[];
  meshRules?: readonly Rule[];
} {
  return own === mesh || Bun.deepEquals(own.rules, mesh.rules)
    ? { rules: own.rules }
    : { rules: own.rules, meshRules: mesh.rules };
}

function compileRequestRules(inputs: InputReader, route: RequestRouteInput) {
  const problems: RuleProblems = { unsupported: [], unresolved: [], invalid: [] };
  const compiled =
    route.kind === "HTTPRoute"
      ? route.spec.rules.map((rule, index) => compileRule(inputs, route, { index, rule }, problems))
      : (route.spec.rules ?? []).map((rule, index) =>
          compileRule(inputs, route, { index, rule: asHttpRule(rule) }, problems),
        );
  return {
    rules: compiled.map((rule) => rule.content),
    problems,
    isSupported: compiled.some((rule) => rule.isSupported),
  };
}

function httpMatches(route: HttpRouteInput, invalid: string[]): RankedMatch[] {
  return route.spec.rules.flatMap((rule, index) =>
    rule.matches.map((match, i): RankedMatch => {
      const field = `spec.rules[${index}].matches[${i}]`;
      return { rule: index, match: compileMatch(match, field, invalid) };
    }),
  );
}

function compileConnectionRoute(inputs: InputReader, route: ConnectionRouteInput): RouteOutcome {
  const { kind } = route;
  const places = compileForPlaces(inputs, route, (reader) => compileConnectionRules(reader, route));
  const { attachments, parents } = attachAll(inputs, route, {
    acceptance: [condition("Accepted", true, "Accepted", "")],
    meshAcceptance: [condition("Accepted", true, "Accepted", "")],
    resolution: resolution(places.own.problems.unresolved),
    meshResolution: resolution(places.mesh.problems.unresolved),
  });
  const compiled: CompiledConnectionRoute = {
    kind,
    ...orderOf(route),
    ...rulesOf(places),
    attachments,
    isAccepted: true,
  };
  return { route: compiled, judged: judge(route, parents) };
}

function compileConnectionRules(
  inputs: InputReader,
  route: ConnectionRouteInput,
): CompiledRules<ConnectionRuleContent> {
  const { kind } = route;
  const { namespace, name } = route.metadata;
  const unresolved: UnresolvedBackend[] = [];
  const rules = route.spec.rules.map(
    (rule, index): ConnectionRuleContent => ({
      source: { kind, namespace, name, section: rule.name ?? `rules[${index}]` },
      backends: rule.backendRefs.map((backend, i) => {
        const field = `spec.rules[${index}].backendRefs[${i}]`;
        return resolveBackend(inputs, route, { backend, field }, unresolved);
      }),
    }),
  );
  return { rules, problems: { unsupported: [], unresolved, invalid: [] }, isSupported: true };
}

function orderOf({ metadata: { namespace, name, creationTimestamp } }: RouteInput) {
  return { path: `${namespace}/${name}`, namespace, creationTimestamp };
}

interface RouteConditions {
  /** Where the parent takes it. */
  readonly acceptance: readonly ComputedCondition[];
  readonly meshAcceptance: readonly ComputedCondition[];
  readonly resolution: ComputedCondition;
  readonly meshResolution: ComputedCondition;
}

function attachAll(inputs: InputReader, route: RouteInput, conditions: RouteConditions) {
  const attachments: Attachment[] = [];
  const parents: JudgedParent[] = [];
  for (const parent of route.spec.parentRefs ?? []) {
    const outcome = attach(inputs, route, parent);
    if (outcome === undefined) continue;
    const found = "attachments" in outcome ? outcome.attachments : [];
    attachments.push(...found);
    parents.push({
      parent,
      attachments: found,
      acceptance:
        "attachments" in outcome
          ? isService(parent)
            ? conditions.meshAcceptance
            : conditions.acceptance
          : [condition("Accepted", false, outcome.reason, outcome.message)],
      resolution: isService(parent) ? conditions.meshResolution : conditions.resolution,
    });
  }
  return { attachments, parents };
}

/** For a route whose compilation ran into a defect of ours. */
export function failedRoute(route: RouteInput, message: string): JudgedRoute {
  const parents = (route.spec.parentRefs ?? []).map((parent) => ({
    parent,
    attachments: [],
    acceptance: [condition("Accepted", false, "UnsupportedValue", `${message}; ${lastGoodStays}`)],
    resolution: undefined,
  }));
  return judge(route, parents);
}

const lastGoodStays = "the last version that could be compiled stays in force";

function acceptance(
  { unsupported, invalid }: Pick<RuleProblems, "unsupported" | "invalid">,
  hasSupportedRules: boolean,
): ComputedCondition[] {
  if (invalid.length > 0) {
    return [condition("Accepted", false, "UnsupportedValue", `${invalid.join("; ")}; ${lastGoodStays}`)];
  }
  if (unsupported.length === 0) return [condition("Accepted", true, "Accepted", "")];
  const message = `${unsupported.join("; ")}; such a rule answers 500`;
  // Gateway API: a route of which some rules work is accepted, and says which do not.
  return hasSupportedRules
    ? [
        condition("Accepted", true, "Accepted", ""),
        // The words that Gateway API wants in front.
        condition("PartiallyInvalid", true, "UnsupportedValue", `Dropped Rule: ${message}`),
      ]
    : [condition("Accepted", false, "UnsupportedValue", message)];
}

function resolution(unresolved: readonly UnresolvedBackend[]): ComputedCondition {
  const [first] = unresolved;
  if (first === undefined) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  const message = unresolved.map((entry) => entry.message).join("; ");
  return condition("ResolvedRefs", false, first.reason, message);
}
