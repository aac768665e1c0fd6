/** Requests that something else becomes of: the same ones asked before and after a change. */
import type { Explanation, Flip, PlanWarning, RequestResult, SimulatedRequest } from "../../api/index.ts";
import { type Steps, WeftError } from "../../kernel/index.ts";

export interface PlannedRequest {
  readonly request: SimulatedRequest;
  /** How many like it were recorded. */
  readonly count: number;
}

export type Simulate = (request: SimulatedRequest) => Explanation;

/** In the order of the requests; undefined: it cannot be asked about. */
export function* results(
  requests: readonly PlannedRequest[],
  simulate: Simulate,
): Steps<(RequestResult | undefined)[]> {
  const found: (RequestResult | undefined)[] = [];
  for (const { request } of requests) {
    found.push(resultOf(request, simulate));
    yield;
  }
  return found;
}

/** Undefined where the request names nobody that there is. */
export function resultOf(request: SimulatedRequest, simulate: Simulate): RequestResult | undefined {
  try {
    return summaryOf(simulate(request));
  } catch (error) {
    // Of recorded requests some are of workloads that are gone: nothing can become of those.
    if (error instanceof WeftError && (error.code === "bad_input" || error.code === "not_found"))
      return undefined;
    throw error;
  }
}

function summaryOf({ outcome, hops }: Explanation): RequestResult {
  const routes = hops.flatMap(({ route }) => {
    const source = route?.source;
    return source === undefined
      ? []
      : [`${source.kind} ${source.namespace}/${source.name} ${source.section}`];
  });
  const backends = hops.flatMap(({ backends: each }) =>
    each.flatMap(({ chosen, cluster }) => (chosen ? [cluster] : [])),
  );
  return { outcome, route: [...new Set(routes)].join(", "), backends: [...new Set(backends)] };
}

export function flipsBetween(
  requests: readonly PlannedRequest[],
  before: readonly (RequestResult | undefined)[],
  after: readonly (RequestResult | undefined)[],
): Flip[] {
  const flips = new Map<string, Flip>();
  for (const [index, { request, count }] of requests.entries()) {
    const [old, now] = [before[index], after[index]];
    if (old === undefined || now === undefined || !isFlip(old, now)) continue;
    addFlip(flips, { request, count, before: old, after: now });
  }
  return [...flips.values()];
}

/** Requests that differ in no more than id and length, and to which the same happens, are one flip. False: there are `max` others already. */
export function addFlip(flips: Map<string, Flip>, flip: Flip, max = Number.POSITIVE_INFINITY): boolean {
  const { requestId: _id, bodyBytes: _length, ...request } = flip.request;
  const key = JSON.stringify([request, told(flip.before), told(flip.after)]);
  const known = flips.get(key);
  if (known === undefined && flips.size >= max) return false;
  flips.set(key, { ...(known ?? flip), count: (known?.count ?? 0) + flip.count });
  return true;
}

/** Another verdict, status, reason or backend. That another rule leads to the same is none. */
export function isFlip(before: RequestResult, after: RequestResult): boolean {
  return !Bun.deepEquals(told(before), told(after));
}

function told({ outcome: { verdict, status, grpcStatus, reason }, backends }: RequestResult): unknown {
  return [verdict, status, grpcStatus, reason, backends];
}

/** Destinations that somebody reached and that nobody of the recorded callers reaches any more, because of policies. */
export function lockedOut(
  requests: readonly PlannedRequest[],
  before: readonly (RequestResult | undefined)[],
  after: readonly (RequestResult | undefined)[],
): PlanWarning[] {
  const destinations = Map.groupBy(
    requests.map((_, index) => index),
    (index) => destinationOf(requests[index]?.request.url ?? ""),
  );
  return [...destinations].flatMap(([destination, indexes]): PlanWarning[] => {
    const reached = indexes.filter((index) => before[index]?.outcome.verdict === "forwarded");
    const denied = reached.filter((index) => after[index]?.outcome.verdict === "denied");
    if (reached.length === 0 || denied.length < reached.length) return [];
    const by = after[denied[0] ?? 0]?.outcome.by;
    const policy = by === undefined ? "" : `, by ${by.kind} ${by.namespace}/${by.name}`;
    const message = `all ${reached.length} recorded requests to ${destination} that were let in are denied${policy}`;
    return [{ code: "locks_out", message }];
  });
}

function destinationOf(url: string): string {
  return /^[a-z]+:\/\/(?<authority>[^/?#]*)/.exec(url)?.groups?.["authority"] ?? url;
}
