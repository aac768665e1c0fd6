/** Findings about services and routes against their own past, and about their callers' retries. */
import {
  type Aggregator,
  Figures,
  foldBy,
  type Hit,
  type Series,
  sumSeries,
  withoutDoubles,
} from "../../../observe/index.ts";
import { serviceOf } from "../service-summaries.ts";
import { type Finding, finding } from "./finding.ts";

/** Short enough that what is slow now is told within half a minute, with proxies that report every five seconds. */
export const recentMs = 20_000;
const minRecent = 20;
const minPast = 100;
/** A service that fails less is as most are. */
export const failingShare = 0.05;
const timesAsOften = 3;
const timesAsSlow = 3;
const slowerByMs = 20;

const retryMs = 300_000;
const minRequests = 50;
const amplified = 1.2;
const badlyAmplified = 2;

type What = "service" | "route";

export function trafficFindings(aggregator: Aggregator): Finding[] {
  const { services } = aggregator;
  const recent = services.span(recentMs);
  const past = services.span(services.longestMs - recentMs, recent.fromMs);
  // Of what came from clients that nobody can name, too.
  const now = withoutDoubles(sumSeries(services, recent));
  const before = withoutDoubles(sumSeries(services, past));
  const ofService = (series: Series): string => serviceOf(series);
  const ofRoute = (series: Series): string => series.route;
  return [
    ...compare("service", foldBy(now, ofService), foldBy(before, ofService)),
    ...compare("route", foldBy(now, ofRoute), foldBy(before, ofRoute)),
  ];
}

function compare(
  what: What,
  now: ReadonlyMap<string, Figures>,
  before: ReadonlyMap<string, Figures>,
): Finding[] {
  return [...now].flatMap(([name, figures]) => {
    if (!name.includes("/") || figures.count < minRecent) return [];
    const past = before.get(name) ?? new Figures();
    return [...failing(what, name, figures, past), ...slow(what, name, figures, past)];
  });
}

function failing(what: What, name: string, now: Figures, past: Figures): Finding[] {
  const share = 1 - now.successRate;
  const pastShare = 1 - past.successRate;
  if (share < failingShare || share < timesAsOften * pastShare) return [];
  const was = past.count < minPast ? "" : `, before ${percent(pastShare)}`;
  const message = `${what} ${name} fails ${percent(share)} of its requests${was}`;
  return [finding(`failing-${what}`, { level: "bad", message, about: aboutOf(what, name) })];
}

function slow(what: What, name: string, now: Figures, past: Figures): Finding[] {
  if (past.count < minPast) return [];
  const slower = slowerThan(now, past);
  if (slower === undefined) return [];
  const { quantile, ms, otherMs } = slower;
  const message = `${what} ${name} is slow: ${quantile} is ${round(ms)} ms, before ${round(otherMs)} ms`;
  return [finding(`slow-${what}`, { level: "bad", message, about: aboutOf(what, name) })];
}

export interface Slower {
  readonly quantile: "p50" | "p99";
  readonly ms: number;
  readonly otherMs: number;
}

/** By half of the answers, else by the slowest hundredth. */
export function slowerThan(now: Figures, other: Figures): Slower | undefined {
  for (const [quantile, q] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const [ms, otherMs] = [now.quantileMs(q), other.quantileMs(q)];
    if (ms >= timesAsSlow * otherMs && ms - otherMs >= slowerByMs) return { quantile, ms, otherMs };
  }
  return undefined;
}

/** Tries for each request, by the service whose proxies made them. */
export function retryFindings(aggregator: Aggregator): Finding[] {
  const { services, hits } = aggregator;
  const span = services.span(retryMs);
  const tries = new Map<string, number>();
  for (const { kind, name, verdict, count } of hits.list(hits.window.span(retryMs)) satisfies Hit[]) {
    if (kind === "counter" && name === "weft_upstream_tries_total")
      tries.set(verdict, (tries.get(verdict) ?? 0) + count);
  }
  const sent = sumSeries(
    services,
    span,
    ({ direction, protocol }) => direction === "outbound" && protocol === "http",
  );
  const requests = foldBy(sent, ({ sourceWorkload }) => sourceWorkload);
  return [...tries].flatMap(([group, count]) => {
    const sum = requests.get(group)?.count ?? 0;
    if (sum < minRequests || count < amplified * sum) return [];
    const message = `proxies of ${group} made ${(count / sum).toFixed(1)} tries for each request: ${count} for ${sum}`;
    const level = count >= badlyAmplified * sum ? "bad" : "note";
    return [finding("retry-amplification", { level, message, about: { kind: "Service", path: group } })];
  });
}

function aboutOf(what: What, path: string) {
  return { kind: what === "service" ? "Service" : "HTTPRoute", path };
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function round(ms: number): string {
  return ms >= 10 ? ms.toFixed(0) : ms.toFixed(1);
}
