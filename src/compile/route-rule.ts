/**
 * One rule of an HTTPRoute or GRPCRoute: filters, timeout and backends. Three things can be wrong with it. *Unsupported*: the
 * rule answers 500 and the route's status says so. *Unresolved*: a backend's share answers 500. *Invalid*: the whole
 * route cannot compile.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseDurationMs } from "../api/index.ts";
import type { BackendSchema } from "../model/index.ts";
import { resolveBackend } from "./backend.ts";
import type { RuleContent } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import { rulePolicy } from "./policy/effective-policy.ts";
import { routeSettings } from "./policy/route-settings.ts";
import { compileFilters, type FilterProblems } from "./route-filters.ts";
import type { HttpBackendInput, RequestRouteInput, RuleInput } from "./route-input.ts";
import { isSessionName, sessionPath } from "./session-path.ts";
import { compileSession } from "./session-persistence.ts";
import { ruleTelemetry } from "./telemetry/effective.ts";

type BackendContent = MessageInitShape<typeof BackendSchema>;

export type RuleProblems = FilterProblems;

export interface CompiledRule {
  readonly content: RuleContent;
  readonly isSupported: boolean;
}

export function compileRule(
  inputs: InputReader,
  route: RequestRouteInput,
  { index, rule }: { readonly index: number; readonly rule: RuleInput },
  problems: RuleProblems,
): CompiledRule {
  const field = `spec.rules[${index}]`;
  const unsupported: string[] = [];
  const own: RuleProblems = { ...problems, unsupported };
  const filters = compileFilters(inputs, route, rule.filters, {
    field: `${field}.filters`,
    of: "rule",
    problems: own,
  });
  const backends = (rule.backendRefs ?? []).map((backend, i) =>
    compileBackend(inputs, route, backend, { field: `${field}.backendRefs[${i}]`, problems: own }),
  );
  const requestTimeoutMs = compileTimeout(rule, field, problems.invalid);
  const { namespace, name } = route.metadata;
  const source = { kind: route.kind, namespace, name, section: rule.name ?? `rules[${index}]` };
  const { sessionPersistence } = rule;
  if (sessionPersistence !== undefined && !isSessionName(sessionPersistence.sessionName ?? "")) {
    unsupported.push(`${field}.sessionPersistence.sessionName: cannot be a cookie or a header`);
  }
  problems.unsupported.push(...unsupported);
  if (unsupported.length > 0) {
    const text = `${route.kind} ${namespace}/${name}: ${unsupported.join("; ")}`;
    return { content: { source, backends: [{ source, weight: 1, unresolved: text }] }, isSupported: false };
  }
  const owner = { kind: route.kind, namespace, name, ruleName: rule.name };
  const policy = { ...rulePolicy(inputs, owner, routeSettings(rule)), ...ruleTelemetry(inputs, owner) };
  const session =
    sessionPersistence &&
    compileSession(
      sessionPersistence,
      `${source.kind} ${namespace}/${name} ${source.section}`,
      sessionPath(rule),
    );
  return {
    content: { source, ...filters, requestTimeoutMs, ...policy, backends, ...(session && { session }) },
    isSupported: true,
  };
}

function compileBackend(
  inputs: InputReader,
  route: RequestRouteInput,
  backend: HttpBackendInput,
  { field, problems }: { readonly field: string; readonly problems: RuleProblems },
): BackendContent {
  const { requestHeaders, responseHeaders, rewrite, mirrors } = compileFilters(
    inputs,
    route,
    backend.filters,
    { field: `${field}.filters`, of: "backend", problems },
  );
  return {
    ...resolveBackend(inputs, route, { backend, field }, problems.unresolved),
    ...(requestHeaders === undefined ? {} : { requestHeaders }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(mirrors === undefined ? {} : { mirrors }),
  };
}

/** Of all tries together; zero disables it. `backendRequest`, a try's own, is among the rule's `requests`. */
function compileTimeout(rule: RuleInput, field: string, invalid: string[]): number {
  return readDuration(rule.timeouts?.request, `${field}.timeouts.request`, invalid);
}

/** What fits the model's field: 49 days, above which a timeout means nothing. */
const maxTimeoutMs = 0xffff_ffff;

function readDuration(text: string | undefined, field: string, invalid: string[]): number {
  if (text === undefined) return 0;
  const milliseconds = parseDurationMs(text);
  if (milliseconds === undefined) invalid.push(`${field}: "${text}" is no duration such as 1m30s`);
  return Math.min(milliseconds ?? 0, maxTimeoutMs);
}
