/**
 * What is counted without a duration: requests that a rule of a route took, decisions of policies, and counters of proxies.
 * In a window of its own, so that "nobody used it for an hour" can be told, also after a restart.
 */
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";
import type { ReportReader } from "./report-reader.ts";
import type { RollingWindow, Span } from "./window/rolling-window.ts";

export interface HitLabels {
  readonly kind: "rule" | "policy" | "counter";
  /** "HTTPRoute namespace/name", "AuthorizationPolicy namespace/name", or the counter's name. */
  readonly name: string;
  /** Rule, or the counter's labels as "name=value" in the order of their names. */
  readonly part: string;
  /** Of a policy: what it decided. Of a counter: the service or group of the proxy that counted. */
  readonly verdict: string;
}

export interface Hit extends HitLabels {
  readonly count: number;
}

const maxPerReport = 4_000;
const maxTextLength = 600;
const maxLabels = 16;
/** A report that says more of one thing is not believed. */
const maxCount = 2n ** 42n;

export class Hits implements ReportReader {
  readonly window: RollingWindow<HitLabels>;
  readonly #groupOf: (workload: string) => string;
  #refused = 0;

  constructor(window: RollingWindow<HitLabels>, groupOf: (workload: string) => string) {
    this.window = window;
    this.#groupOf = groupOf;
  }

  /** Counts that were beyond reason, or too many in one report. */
  get refused(): number {
    return this.#refused;
  }

  add(report: TelemetryReport, reporter: string): void {
    const { ruleHits, policies, counters } = report;
    if (ruleHits.length + policies.length + counters.length === 0 || !speaksFor(reporter, report.proxy))
      return;
    this.window.roll();
    for (const { kind, route, rule, count } of this.#bounded(ruleHits)) {
      this.#count({ kind: "rule", name: `${kind} ${route}`, part: rule, verdict: "" }, count);
    }
    for (const { policy, rule, verdict, count } of this.#bounded(policies)) {
      this.#count({ kind: "policy", name: policy, part: rule, verdict }, count);
    }
    const group = this.#groupOf(report.proxy);
    for (const { name, labels, count } of this.#bounded(counters)) {
      this.#count({ kind: "counter", name, part: labelText(labels), verdict: group }, count);
    }
  }

  list(span: Span): Hit[] {
    const sums = new Map<HitLabels, number>();
    this.window.read(span, (labels, { count }) => sums.set(labels, (sums.get(labels) ?? 0) + count));
    return [...sums].map(([labels, count]) => ({ ...labels, count }));
  }

  #bounded<T>(items: readonly T[]): readonly T[] {
    this.#refused += Math.max(0, items.length - maxPerReport);
    return items.slice(0, maxPerReport);
  }

  #count({ kind, name, part, verdict }: HitLabels, count: bigint): void {
    if (count > maxCount) {
      this.#refused++;
      return;
    }
    const labels: HitLabels = { kind, name: cut(name), part: cut(part), verdict: cut(verdict) };
    const entry =
      this.window.entry(labels) ?? this.window.entryAlways({ kind, name: "other", part: "", verdict: "" });
    this.window.cell(entry).count += Number(count);
  }
}

export function hitKey({ kind, name, part, verdict }: HitLabels): string {
  return `${kind}\n${name}\n${part}\n${verdict}`;
}

export function parseHit(json: unknown): HitLabels | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { kind, name, part, verdict } = { kind: "", name: "", part: "", verdict: "", ...json };
  return kind === "rule" || kind === "policy" || kind === "counter"
    ? { kind, name, part, verdict }
    : undefined;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .slice(0, maxLabels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

function cut(text: string): string {
  return text.slice(0, maxTextLength);
}
