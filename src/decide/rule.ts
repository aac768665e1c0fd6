/** What a matched rule does, prepared: its backends with their share of requests, filters, how requests are carried. */
import { clone, create } from "@bufbuild/protobuf";
import {
  type Admission,
  type Backend,
  type ConnectionRule,
  type HttpRule,
  type RequestPolicy,
  RequestPolicySchema,
  type SessionPersistence,
  type Source,
  type Telemetry,
} from "../model/index.ts";
import { PreparedCors } from "./cors.ts";
import { PreparedFaults } from "./fault.ts";
import { PreparedEdits } from "./header-edits.ts";
import { prepareChanges, type RequestChanges } from "./request-changes.ts";
import { RuleAnswers } from "./rule-answers.ts";
import { shareAt, shareSeed } from "./share.ts";
import { shared } from "./shared-text.ts";

export interface PreparedBackend {
  /** Key of the cluster; empty where `unresolved` is set. */
  readonly cluster: string;
  /** Set: this share of requests is answered with `backend_unresolved`, and this text goes to the log. */
  readonly unresolved: string | undefined;
  /** The rule's edits followed by the backend's own. */
  readonly requestEdits: PreparedEdits | undefined;
  readonly responseEdits: PreparedEdits | undefined;
  /** What other filters do with its requests; undefined: nothing. */
  readonly changes: RequestChanges | undefined;
  /** The sum of the weights up to and with this backend, over the rule's total: in (0, 1]. */
  readonly shareEnd: number;
}

export interface PreparedRule {
  /** Of the route: HTTPRoute, GRPCRoute, …; empty: unknown. */
  readonly kind: string;
  /** The route that the rule is from, "namespace/name": the `route` label of metrics and log. */
  readonly route: string;
  /** The rule's name or its place in the route: "rules[2]"; empty: none. */
  readonly section: string;
  /** What whoever carries its requests has worked out for it, kept here so that no table of all rules is searched for it. */
  carried: object | undefined;
  /** Requests that the proxy answers itself; undefined: none. */
  readonly answers: RuleAnswers | undefined;
  /** Laid over the chosen backend's cluster's. */
  readonly requests: RequestPolicy | undefined;
  /** Undefined: the cluster's hold. */
  readonly faults: PreparedFaults | undefined;
  /** Those that can be chosen: never empty, none of weight 0. */
  readonly backends: readonly PreparedBackend[];
  /** Of the choice among them (`share.ts`). */
  readonly shareSeed: number;
  /** Undefined: each backend's cluster says it. */
  readonly session?: SessionPersistence | undefined;
  /** What is asked before anything of the rule happens; undefined: nothing. */
  readonly admission?: Admission | undefined;
  /** What is told of its requests, over what the proxy says; undefined: nothing else. */
  readonly telemetry?: Telemetry | undefined;
}

/** `random` is in [0, 1). The first backend whose share ends above it. */
export function selectBackend(rule: PreparedRule, random: number): PreparedBackend {
  const backends = rule.backends;
  const last = backends.length - 1;
  for (let i = 0; i < last; i++) {
    const backend = backends[i];
    if (backend !== undefined && random < backend.shareEnd) return backend;
  }
  return backends[last] ?? withoutBackend;
}

/** The backend of a request. Where there is but one, nothing is drawn. */
export function chooseBackend(rule: PreparedRule, requestId: string): PreparedBackend {
  return selectBackend(rule, rule.backends.length === 1 ? 0 : shareAt(requestId, rule.shareSeed));
}

/** Gateway API: a rule that can send a request nowhere answers it with 500. */
const withoutBackend: PreparedBackend = {
  cluster: "",
  unresolved: "the rule has no backend with a weight above 0",
  requestEdits: undefined,
  responseEdits: undefined,
  changes: undefined,
  shareEnd: 1,
};

/** `matched`: the path prefix of the rule's match, which rewrites may replace. */
export function prepareRule(rule: HttpRule, matched = ""): PreparedRule {
  const requestEdits = PreparedEdits.prepare(rule.requestHeaders);
  const responseEdits = PreparedEdits.prepare(rule.responseHeaders);
  const cors = PreparedCors.prepare(rule.cors);
  const { source, session, admission, telemetry } = rule;
  return {
    kind: shared(source?.kind),
    route: routeOf(source),
    section: shared(source?.section),
    carried: undefined,
    answers: RuleAnswers.prepare(rule, { cors, edits: responseEdits, matched }),
    requests: requestsOf(rule),
    faults: PreparedFaults.prepare(rule.faults),
    backends: prepareBackends(rule.backends, (backend) => {
      const edits = PreparedEdits.then(responseEdits, PreparedEdits.prepare(backend?.responseHeaders));
      return {
        requestEdits: PreparedEdits.then(requestEdits, PreparedEdits.prepare(backend?.requestHeaders)),
        responseEdits: edits,
        changes: backend === undefined ? undefined : prepareChanges(rule, backend, { cors, edits, matched }),
      };
    }),
    shareSeed: backendSeed(rule.backends, source),
    session,
    admission,
    telemetry,
  };
}

/** Connections have no head to edit, and the time of a whole one is not bounded. */
export function prepareConnectionRule({ source, backends }: ConnectionRule): PreparedRule {
  return {
    kind: shared(source?.kind),
    route: routeOf(source),
    section: shared(source?.section),
    carried: undefined,
    answers: undefined,
    requests: undefined,
    faults: undefined,
    backends: prepareBackends(backends, () => untouched),
    shareSeed: backendSeed(backends, source),
  };
}

/** The route's own timeout is one of its policy's fields, unless a nearer policy names it. */
function requestsOf({ requests, requestTimeoutMs }: HttpRule): RequestPolicy | undefined {
  if (requestTimeoutMs === 0 || requests?.requestTimeoutMs !== undefined) return requests;
  const laid = requests === undefined ? create(RequestPolicySchema) : clone(RequestPolicySchema, requests);
  laid.requestTimeoutMs = requestTimeoutMs;
  return laid;
}

function routeOf(source: Source | undefined): string {
  return source === undefined ? "" : `${source.namespace}/${source.name}`;
}

function backendSeed(backends: readonly Backend[], source: Source | undefined): number {
  return backends.length < 2 ? 0 : shareSeed(`backend ${routeOf(source)}`);
}

type Treatment = Pick<PreparedBackend, "requestEdits" | "responseEdits" | "changes">;

const untouched: Treatment = { requestEdits: undefined, responseEdits: undefined, changes: undefined };

/** `treat` says what is done with the head of a backend's messages; undefined: there is no backend. */
function prepareBackends(
  backends: readonly Backend[],
  treat: (backend: Backend | undefined) => Treatment,
): readonly PreparedBackend[] {
  const chosen = backends.filter((backend) => backend.weight > 0);
  const total = chosen.reduce((sum, backend) => sum + backend.weight, 0);
  let sum = 0;
  const prepare = (backend: Backend): PreparedBackend => {
    sum += backend.weight;
    return {
      cluster: shared(backend.cluster),
      unresolved: backend.unresolved === "" ? undefined : backend.unresolved,
      ...treat(backend),
      shareEnd: sum / total,
    };
  };
  return chosen.length === 0
    ? [{ ...withoutBackend, ...treat(undefined) }]
    : sharedIfPlain(chosen.map(prepare));
}

/** By cluster: thousands of rules send all of their requests to one of a few, as they came. */
const plainBackends = new Map<string, readonly PreparedBackend[]>();
const maxPlainBackends = 4_096;

function sharedIfPlain(backends: readonly PreparedBackend[]): readonly PreparedBackend[] {
  const [only] = backends;
  if (only === undefined || backends.length > 1 || !isPlain(only)) return backends;
  const known = plainBackends.get(only.cluster);
  if (known !== undefined) return known;
  if (plainBackends.size >= maxPlainBackends) plainBackends.clear();
  plainBackends.set(only.cluster, backends);
  return backends;
}

function isPlain({ unresolved, requestEdits, responseEdits, changes }: PreparedBackend): boolean {
  return [unresolved, requestEdits, responseEdits, changes].every((each) => each === undefined);
}
