/** What policies did in the whole mesh, since the control plane's start: sums of what proxies report, bounded. */
import type { MetricSample } from "../kernel/index.ts";
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";

/** As a proxy keeps for itself. */
const defaultMaxSeries = 2_000;
/** Of one report; a proxy sends no more. */
const maxPerReport = 4_000;
const maxTextLength = 512;
const overflow = "other";
const verdicts: ReadonlySet<string> = new Set([
  "denied",
  "allowed",
  "audited",
  "would_deny",
  "limited",
  "would_limit",
]);

interface Total {
  readonly labels: { readonly policy: string; readonly rule: string; readonly verdict: string };
  value: number;
}

export class PolicyTotals {
  readonly #maxSeries: number;
  readonly #totals = new Map<string, Total>();

  constructor(maxSeries = defaultMaxSeries) {
    this.#maxSeries = maxSeries;
  }

  /** `reporter` is the identity that the sender proved. */
  add(report: TelemetryReport, reporter: string): void {
    if (!speaksFor(reporter, report.proxy)) return;
    for (const { policy, rule, verdict, count } of report.policies.slice(0, maxPerReport)) {
      if (!verdicts.has(verdict)) continue;
      this.#totalOf(policy.slice(0, maxTextLength), rule.slice(0, maxTextLength), verdict).value +=
        Number(count);
    }
  }

  samples(): Iterable<MetricSample> {
    return this.#totals.values();
  }

  #totalOf(policy: string, rule: string, verdict: string): Total {
    const key = `${policy}\n${rule}\n${verdict}`;
    const known = this.#totals.get(key);
    if (known !== undefined) return known;
    if (this.#totals.size >= this.#maxSeries && policy !== overflow)
      return this.#totalOf(overflow, "", verdict);
    const created = { labels: { policy, rule, verdict }, value: 0 };
    this.#totals.set(key, created);
    return created;
  }
}
