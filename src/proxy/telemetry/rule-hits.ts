/** How many requests and connections each rule of a route took: as a metric, and as differences for the control plane. */
import { create } from "@bufbuild/protobuf";
import type { MetricSample } from "../../kernel/index.ts";
import { type RuleHits as RuleHitsMessage, RuleHitsSchema } from "../../wire/index.ts";
import type { Counter, MetricFamily } from "./counters.ts";

/** More rules than one proxy has; what does not fit is counted under the route "other". */
const defaultMaxRules = 2_000;
const overflowRoute = "other";

/** What a rule is known by. */
export interface HitRule {
  /** HTTPRoute, GRPCRoute, … */
  readonly kind: string;
  /** "namespace/name" */
  readonly route: string;
  /** Its name or place. */
  readonly section: string;
}

interface RuleSeries extends Counter {
  readonly labels: { readonly kind: string; readonly route: string; readonly rule: string };
  value: number;
  reported: number;
}

export class RuleHits implements MetricFamily {
  readonly name = "weft_route_rule_hits_total";
  readonly help = "Requests and connections that a rule of a route took.";
  readonly type = "counter";
  readonly labelNames = ["kind", "route", "rule"];
  readonly #maxRules: number;
  readonly #series = new Map<string, RuleSeries>();

  constructor(maxRules = defaultMaxRules) {
    this.#maxRules = maxRules;
  }

  /** Where the rule is counted: ask once and keep the handle. */
  of({ kind, route, section }: HitRule): Counter {
    const key = `${kind}\n${route}\n${section}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#maxRules && route !== overflowRoute)
      return this.of({ kind: "", route: overflowRoute, section: "" });
    const created = { labels: { kind, route, rule: section }, value: 0, reported: 0 };
    this.#series.set(key, created);
    return created;
  }

  count(rule: HitRule): void {
    this.of(rule).value++;
  }

  samples(): Iterable<MetricSample> {
    return this.#series.values();
  }

  /** Differences to the call before. */
  take(): RuleHitsMessage[] {
    const taken: RuleHitsMessage[] = [];
    for (const series of this.#series.values()) {
      if (series.value === series.reported) continue;
      const count = BigInt(series.value - series.reported);
      taken.push(create(RuleHitsSchema, { ...series.labels, count }));
      series.reported = series.value;
    }
    return taken;
  }
}
