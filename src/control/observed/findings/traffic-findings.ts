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
export const timesAsSlow = 3;
export const slowerByMs = 20;
/** Fewer answers have no hundredth. */
const minForHundredth = 100;

const moreTries: ReadonlySet<string> = new Set(["weft_retries_total", "weft_hedges_total"]);
const retryMs = 300_000;
const minRequests = 50;
const amplified = 1.2;
const badlyAmplified = 2;

type What = "service" | "route";

export function trafficFindings(aggregator: Aggregator): Finding[] {
  const { services } = aggregator;
  const recent = services.span(recentMs);
  const earlier = services.span(recentMs, recent.fromMs);
  const past = services.span(services.longestMs - recentMs, recent.fromMs);
  // Of what came from clients that nobody can name, too.
  const now = withoutDoubles(sumSeries(services, recent));
  const justBefore = withoutDoubles(sumSeries(services, earlier));
  const before = withoutDoubles(sumSeries(services, past));
  const ofService = (series: Series): string => serviceOf(series);
  const ofRoute = (series: Series): string => series.route;
  const compared = (what: What, keyOf: (series: Series) => string): Finding[] =>
    compare(what, {
      now: foldBy(now, keyOf),
      earlier: foldBy(justBefore, keyOf),
      past: foldBy(before, keyOf),
    });
  return [...compared("service", ofService), ...compared("route", ofRoute)];
}

interface Times<T> {
  readonly now: T;
  /** As long as `now`, and just before it. */
  readonly earlier: T;
  /** All that the window has of before `now`. */
  readonly past: T;
}

function compare(what: What, { now, earlier, past }: Times<ReadonlyMap<string, Figures>>): Finding[] {
  return [...now].flatMap(([name, figures]) => {
    if (!name.includes("/") || figures.count < minRecent) return [];
    const of = (sums: ReadonlyMap<string, Figures>): Figures => sums.get(name) ?? new Figures();
    const times = { now: figures, earlier: of(earlier), past: of(past) };
    return [...failing(what, name, times), ...slow(what, name, times)];
  });
}

function failing(what: What, name: string, { now, past }: Times<Figures>): Finding[] {
  const share = 1 - now.successRate;
  const pastShare = 1 - past.successRate;
  if (share < failingShare || share < timesAsOften * pastShare) return [];
  const was = past.count < minPast ? "" : `, before ${percent(pastShare)}`;
  const message = `${what} ${name} fails ${percent(share)} of its requests${was}`;
  return [finding(`failing-${what}`, { level: "bad", message, about: aboutOf(what, name) })];
}

function slow(what: What, name: string, { now, earlier, past }: Times<Figures>): Finding[] {
  if (past.count < minPast) return [];
  const slower = slowerThan({ own: now, other: past }, { own: earlier, other: past });
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

export interface Compared {
  readonly own: Figures;
  readonly other: Figures;
}

/**
 * By half of the answers; else by the slowest hundredth, where it was so in the span before as well: one pause of a fifth of a second
 * is a hundredth of a span, and nothing to wake somebody for.
 */
export function slowerThan(now: Compared, earlier: Compared): Slower | undefined {
  const half = slowerAt("p50", now);
  if (half !== undefined) return half;
  return slowerAt("p99", earlier) === undefined ? undefined : slowerAt("p99", now);
}

function slowerAt(quantile: Slower["quantile"], { own, other }: Compared): Slower | undefined {
  if (quantile === "p99" && own.count < minForHundredth) return undefined;
  const q = quantile === "p50" ? 0.5 : 0.99;
  const [ms, otherMs] = [own.quantileMs(q), other.quantileMs(q)];
  return ms >= timesAsSlow * otherMs && ms - otherMs >= slowerByMs ? { quantile, ms, otherMs } : undefined;
}

/**
 * Tries for each request, by the service whose proxies made them. Counted by what was tried again: the proxies' counter of all tries
 * has those to the application beside them, too.
 */
export function retryFindings(aggregator: Aggregator): Finding[] {
  const { services, hits } = aggregator;
  const span = services.span(retryMs);
  const again = new Map<string, number>();
  for (const { kind, name, verdict, count } of hits.list(hits.window.span(retryMs)) satisfies Hit[]) {
    if (kind === "counter" && moreTries.has(name)) again.set(verdict, (again.get(verdict) ?? 0) + count);
  }
  const sent = sumSeries(
    services,
    span,
    ({ direction, protocol }) => direction === "outbound" && protocol === "http",
  );
  const requests = foldBy(sent, ({ sourceWorkload }) => sourceWorkload);
  return [...again].flatMap(([group, more]) => {
    const sum = requests.get(group)?.count ?? 0;
    const count = sum + more;
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
