/**
 * One rule of an HTTPRoute or GRPCRoute: header edits, timeout and backends. Three things can be wrong with it. *Unsupported*: the
 * rule answers 500 and the route's status says so. *Unresolved*: a backend's share answers 500. *Invalid*: the whole
 * route cannot compile.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseDurationMs } from "../api/index.ts";
import type { BackendSchema, HeaderEditsSchema } from "../model/index.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import type { RuleContent } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import type {
  FilterInput,
  HeaderModifierInput,
  HttpBackendInput,
  RequestRouteInput,
  RuleInput,
} from "./route-input.ts";

type BackendContent = MessageInitShape<typeof BackendSchema>;
type EditsContent = MessageInitShape<typeof HeaderEditsSchema>;

export interface RuleProblems {
  readonly unsupported: string[];
  readonly unresolved: UnresolvedBackend[];
  readonly invalid: string[];
}

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
  const edits = compileFilters(rule.filters, `${field}.filters`, { unsupported, invalid: problems.invalid });
  const backends = (rule.backendRefs ?? []).map((backend, i) =>
    compileBackend(inputs, route, backend, {
      field: `${field}.backendRefs[${i}]`,
      unsupported,
      problems,
    }),
  );
  const requestTimeoutMs = compileTimeout(rule, field, problems.invalid);
  const { namespace, name } = route.metadata;
  const source = { kind: route.kind, namespace, name, section: rule.name ?? `rules[${index}]` };
  problems.unsupported.push(...unsupported);
  if (unsupported.length > 0) {
    const text = `${route.kind} ${namespace}/${name}: ${unsupported.join("; ")}`;
    return { content: { source, backends: [{ source, weight: 1, unresolved: text }] }, isSupported: false };
  }
  return { content: { source, ...edits, requestTimeoutMs, backends }, isSupported: true };
}

interface Edits {
  requestHeaders?: EditsContent;
  responseHeaders?: EditsContent;
}

function compileFilters(
  filters: readonly FilterInput[] | undefined,
  field: string,
  problems: { readonly unsupported: string[]; readonly invalid: string[] },
): Edits {
  const edits: Edits = {};
  for (const [index, filter] of (filters ?? []).entries()) {
    const at = `${field}[${index}]`;
    switch (filter.type) {
      case "RequestHeaderModifier":
        edits.requestHeaders = compileEdits(filter.requestHeaderModifier, at, problems);
        break;
      case "ResponseHeaderModifier":
        edits.responseHeaders = compileEdits(filter.responseHeaderModifier, at, problems);
        break;
      default:
        problems.unsupported.push(`${at}: filter ${filter.type} is not supported`);
    }
  }
  return edits;
}

/** Fields that say where a message ends, who speaks next or whom it is for: an edit would break the connection, not the request. */
const framingFields: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 section 5.5. A line break in a value would begin a field of its own. */
// oxlint-disable-next-line no-control-regex
const fieldValue = /^[^\u0000-\u0020\u007f](?:[^\u0000-\u0008\u000a-\u001f\u007f]*[^\u0000-\u0020\u007f])?$/;

function compileEdits(
  modifier: HeaderModifierInput | undefined,
  field: string,
  problems: { readonly unsupported: string[]; readonly invalid: string[] },
): EditsContent {
  const set = modifier?.set ?? [];
  const add = modifier?.add ?? [];
  const remove = modifier?.remove ?? [];
  for (const name of [...set, ...add].map((header) => header.name).concat(remove)) {
    if (!token.test(name)) problems.invalid.push(`${field}: ${JSON.stringify(name)} is no header name`);
    else if (framingFields.has(name.toLowerCase())) {
      problems.unsupported.push(`${field}: header ${name} is not to be edited, it frames the message`);
    }
  }
  for (const { name, value } of [...set, ...add]) {
    if (!fieldValue.test(value))
      problems.invalid.push(`${field}: the value of ${name} holds a control character`);
  }
  return {
    set: set.map(lowerName),
    add: add.map(lowerName),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

function lowerName(header: { readonly name: string; readonly value: string }) {
  return { name: header.name.toLowerCase(), value: header.value };
}

function compileBackend(
  inputs: InputReader,
  route: RequestRouteInput,
  backend: HttpBackendInput,
  context: { readonly field: string; readonly unsupported: string[]; readonly problems: RuleProblems },
): BackendContent {
  const { field, unsupported, problems } = context;
  const edits = compileFilters(backend.filters, `${field}.filters`, {
    unsupported,
    invalid: problems.invalid,
  });
  return { ...resolveBackend(inputs, route, { backend, field }, problems.unresolved), ...edits };
}

/**
 * Without retries a request has one attempt, so `backendRequest` bounds the same exchange as `request` does and the
 * shorter one of the two holds. Zero disables a timeout.
 */
function compileTimeout(rule: RuleInput, field: string, invalid: string[]): number {
  const given = [
    readDuration(rule.timeouts?.request, `${field}.timeouts.request`, invalid),
    readDuration(rule.timeouts?.backendRequest, `${field}.timeouts.backendRequest`, invalid),
  ].filter((milliseconds) => milliseconds > 0);
  return given.length === 0 ? 0 : Math.min(...given);
}

/** What fits the model's field: 49 days, above which a timeout means nothing. */
const maxTimeoutMs = 0xffff_ffff;

function readDuration(text: string | undefined, field: string, invalid: string[]): number {
  if (text === undefined) return 0;
  const milliseconds = parseDurationMs(text);
  if (milliseconds === undefined) invalid.push(`${field}: "${text}" is no duration such as 1m30s`);
  return Math.min(milliseconds ?? 0, maxTimeoutMs);
}
