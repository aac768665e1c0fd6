/** What a matched rule does, prepared: its backends with their share of requests, header edits, how requests are carried. */
import { clone, create } from "@bufbuild/protobuf";
import {
  type Backend,
  type ConnectionRule,
  type HttpRule,
  type RequestPolicy,
  RequestPolicySchema,
  type Source,
} from "../model/index.ts";
import { PreparedEdits } from "./header-edits.ts";

export interface PreparedBackend {
  /** Key of the cluster; empty where `unresolved` is set. */
  readonly cluster: string;
  /** Set: this share of requests is answered with `backend_unresolved`, and this text goes to the log. */
  readonly unresolved: string | undefined;
  /** The rule's edits followed by the backend's own. */
  readonly requestEdits: PreparedEdits | undefined;
  readonly responseEdits: PreparedEdits | undefined;
  /** The sum of the weights up to and with this backend, over the rule's total: in (0, 1]. */
  readonly shareEnd: number;
}

export interface PreparedRule {
  /** The route that the rule is from, "namespace/name": the `route` label of metrics and log. */
  readonly route: string;
  readonly source: Source | undefined;
  /** Laid over the chosen backend's cluster's. */
  readonly requests: RequestPolicy | undefined;
  /** Those that can be chosen: never empty, none of weight 0. */
  readonly backends: readonly PreparedBackend[];
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

/** Gateway API: a rule that can send a request nowhere answers it with 500. */
const withoutBackend: PreparedBackend = {
  cluster: "",
  unresolved: "the rule has no backend with a weight above 0",
  requestEdits: undefined,
  responseEdits: undefined,
  shareEnd: 1,
};

export function prepareRule(rule: HttpRule): PreparedRule {
  const requestEdits = PreparedEdits.prepare(rule.requestHeaders);
  const responseEdits = PreparedEdits.prepare(rule.responseHeaders);
  const { source, backends } = rule;
  return {
    route: routeOf(source),
    source,
    requests: requestsOf(rule),
    backends: prepareBackends(backends, requestEdits, responseEdits),
  };
}

/** Connections have no head to edit, and the time of a whole one is not bounded. */
export function prepareConnectionRule({ source, backends }: ConnectionRule): PreparedRule {
  return {
    route: routeOf(source),
    source,
    requests: undefined,
    backends: prepareBackends(backends, undefined, undefined),
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

function prepareBackends(
  backends: readonly Backend[],
  requestEdits: PreparedEdits | undefined,
  responseEdits: PreparedEdits | undefined,
): readonly PreparedBackend[] {
  const chosen = backends.filter((backend) => backend.weight > 0);
  const total = chosen.reduce((sum, backend) => sum + backend.weight, 0);
  let sum = 0;
  const prepare = (backend: Backend): PreparedBackend => {
    sum += backend.weight;
    return {
      cluster: backend.cluster,
      unresolved: backend.unresolved === "" ? undefined : backend.unresolved,
      requestEdits: PreparedEdits.then(requestEdits, PreparedEdits.prepare(backend.requestHeaders)),
      responseEdits: PreparedEdits.then(responseEdits, PreparedEdits.prepare(backend.responseHeaders)),
      shareEnd: sum / total,
    };
  };
  return chosen.length === 0 ? [{ ...withoutBackend, requestEdits, responseEdits }] : chosen.map(prepare);
}
