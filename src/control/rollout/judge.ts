/**
 * PURE: whether a configuration that some proxies try out is to go on, to go back, or to be watched for longer. It compares what
 * these proxies told of their requests with what the others told in the same time, and with what they told themselves before.
 */
import type { RolloutFigures } from "../../api/index.ts";
import { windowCount } from "./windows.ts";

/** Fewer requests than this say nothing of a share of failures: one of 50 is 2 %. */
const minRequests = 50;
/** A handful, so that no single unlucky client decides. */
const minFailures = 5;
/** Percentage points; less is not worth going back for. */
const minWorsening = 0.01;
/**
 * Standard normal quantile of 99.9 %, one-sided: the test of two proportions with pooled variance (NIST/SEMATECH e-Handbook of
 * Statistical Methods, 7.3.3). It is asked every five seconds, twelve times in a minute: by Bonferroni a good configuration
 * is taken for a bad one in at most 1.2 % of minutes.
 */
const zAtOnePerMille = 3.09;
/** Where nobody can be compared with. */
const maxFailureShare = 0.05;
/** Of 200 requests two are behind the 99th percentile. */
const minRequestsForLatency = 200;
/** Buckets of the histogram are a few percent wide and tails are noisy: half as much again, and 20 ms, as the findings have it. */
const latencyFactor = 1.5;
const latencyExtraMs = 20;
/** Fewer do not tell whether it is slow still: of 200 in the time of a step, 16 are in a window. */
const minRequestsInWindow = 10;
/** Times the length of a step: then it is decided with what there is. */
const patience = 3;

export interface Evidence {
  /** Since the step began. */
  readonly canary: RolloutFigures;
  /** Proxies that the configuration concerns and that do not have it, in the same time. */
  readonly others: RolloutFigures;
  /** Those that have it, in as long a time before the step. */
  readonly before: RolloutFigures;
  /** Of `canary`, newest first: what it was in each of the last windows of the step. */
  readonly recent: readonly RolloutFigures[];
  /** Why a proxy could not take it; undefined: all took it. */
  readonly rejection: string | undefined;
  readonly elapsedMs: number;
  readonly watchMs: number;
}

export interface Verdict {
  readonly what: "watch" | "go" | "back";
  readonly reason: string;
}

export function judge(evidence: Evidence): Verdict {
  const { canary, rejection, elapsedMs, watchMs } = evidence;
  if (rejection !== undefined) return { what: "back", reason: `a proxy rejected it: ${rejection}` };
  const slowness = slow(evidence);
  const harm = failing(evidence) ?? (slowness?.lasts === true ? slowness.reason : undefined);
  if (harm !== undefined) return { what: "back", reason: harm };
  if (elapsedMs < watchMs) return { what: "watch", reason: `${countText(canary)}, nothing wrong so far` };
  const doubt =
    canary.requests < minRequests
      ? `${canary.requests} requests of the ${minRequests} that it takes to judge`
      : slowness?.reason;
  if (doubt === undefined) return { what: "go", reason: `${countText(canary)}, nothing wrong` };
  if (elapsedMs < patience * watchMs) return { what: "watch", reason: `${doubt}; waiting for more` };
  // What cannot be judged is not given to everybody: `weft rollout promote` is for whoever knows better.
  return { what: "back", reason: `${doubt}, after ${patience} times the time` };
}

function failing({ canary, others, before }: Evidence): string | undefined {
  if (canary.requests < minRequests || canary.failures < minFailures) return undefined;
  const known = [others, before].filter(({ requests }) => requests >= minRequests);
  const isWorse =
    known.length === 0 ? shareOf(canary) >= maxFailureShare : known.every((each) => failsMore(canary, each));
  if (!isWorse) return undefined;
  return `${percent(canary)} of ${canary.requests} requests failed${referenceText(others, before, percent)}`;
}

function failsMore(canary: RolloutFigures, reference: RolloutFigures): boolean {
  const difference = shareOf(canary) - shareOf(reference);
  if (difference < minWorsening) return false;
  const requests = canary.requests + reference.requests;
  const pooled = (canary.failures + reference.failures) / requests;
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / canary.requests + 1 / reference.requests));
  return deviation === 0 || difference / deviation > zAtOnePerMille;
}

interface Slowness {
  readonly reason: string;
  /** In each of the last windows. Else it was slow, and whether it still is will be known later. */
  readonly lasts: boolean;
}

/** Undefined: it is not, or not any more. */
function slow({ canary, others, before, recent }: Evidence): Slowness | undefined {
  if (canary.requests < minRequestsForLatency) return undefined;
  // A reference of few requests has too high a 99th percentile rather than too low a one: it keeps from going back for noise.
  const known = [others, before].filter(({ requests }) => requests >= minRequests);
  const bound = Math.max(
    ...known.map(({ p99Ms }) => Math.max(p99Ms * latencyFactor, p99Ms + latencyExtraMs)),
  );
  if (known.length === 0 || canary.p99Ms <= bound) return undefined;
  const [newest] = recent;
  const tells = (window: RolloutFigures): boolean => window.requests >= minRequestsInWindow;
  if (newest !== undefined && tells(newest) && newest.p99Ms <= bound) return undefined;
  const isSlow = (window: RolloutFigures): boolean => tells(window) && window.p99Ms > bound;
  return {
    reason: `p99 is ${duration(canary)}${referenceText(others, before, duration)}`,
    lasts: recent.length === windowCount && recent.every(isSlow),
  };
}

function referenceText(
  others: RolloutFigures,
  before: RolloutFigures,
  show: (figures: RolloutFigures) => string,
): string {
  const parts = [
    others.requests >= minRequests ? `${show(others)} at the others` : "",
    before.requests >= minRequests ? `${show(before)} before` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `; ${parts.join(", ")}`;
}

function shareOf({ requests, failures }: RolloutFigures): number {
  return requests === 0 ? 0 : failures / requests;
}

function percent(figures: RolloutFigures): string {
  return `${(100 * shareOf(figures)).toFixed(1)} %`;
}

function duration({ p99Ms }: RolloutFigures): string {
  return `${p99Ms.toFixed(p99Ms < 10 ? 1 : 0)} ms`;
}

function countText({ requests, failures }: RolloutFigures): string {
  return `${requests} requests, ${failures} failed`;
}
