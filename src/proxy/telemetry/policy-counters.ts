/** What policies did, counted by policy, rule and verdict: as metrics, and as differences for the control plane. */
import { create } from "@bufbuild/protobuf";
import type { MetricSample } from "../../kernel/index.ts";
import type { Source } from "../../model/index.ts";
import { type PolicyDelta, PolicyDeltaSchema } from "../../wire/index.ts";
import type { MetricFamily } from "./counters.ts";

/** Policies times rules times verdicts of one workload; what does not fit is counted under the policy "other". */
const defaultMaxSeries = 2_000;
const overflowName = "other";

interface PolicySeries {
  readonly labels: { readonly policy: string; readonly rule: string; readonly verdict: string };
  value: number;
  reported: number;
}

/** One cell: nothing of a configuration that is gone is held by more than this. */
interface CountedLast {
  readonly source: Source;
  readonly rule: string;
  readonly verdict: string;
  readonly series: PolicySeries;
}

export class PolicyCounters implements MetricFamily {
  readonly name = "weft_policy_decisions_total";
  readonly help = "What policies did with requests and connections, or would have done.";
  readonly type = "counter";
  readonly labelNames = ["policy", "rule", "verdict"];
  readonly #maxSeries: number;
  readonly #series = new Map<string, PolicySeries>();
  /** By the policy as configuration has it, its rule and its verdict: on the way of every request, so no text is made. */
  readonly #bySource = new WeakMap<Source, Map<string, Map<string, PolicySeries>>>();

  #last: CountedLast | undefined = undefined;

  constructor(maxSeries = defaultMaxSeries) {
    this.#maxSeries = maxSeries;
  }

  /** Most requests of a proxy are decided by one rule. */
  count(source: Source, rule: string, verdict: string): void {
    let last = this.#last;
    if (last?.source !== source || last.rule !== rule || last.verdict !== verdict) {
      this.#last = last = { source, rule, verdict, series: this.#known(source, rule, verdict) };
    }
    last.series.value++;
  }

  samples(): Iterable<MetricSample> {
    return this.#series.values();
  }

  /** Differences to the call before. */
  take(): PolicyDelta[] {
    const deltas: PolicyDelta[] = [];
    for (const series of this.#series.values()) {
      if (series.value === series.reported) continue;
      const count = BigInt(series.value - series.reported);
      deltas.push(create(PolicyDeltaSchema, { ...series.labels, count }));
      series.reported = series.value;
    }
    return deltas;
  }

  #known(source: Source, rule: string, verdict: string): PolicySeries {
    let known = this.#bySource.get(source);
    if (known === undefined) {
      known = new Map();
      this.#bySource.set(source, known);
    }
    let ofRule = known.get(rule);
    if (ofRule === undefined) known.set(rule, (ofRule = new Map()));
    let series = ofRule.get(verdict);
    if (series === undefined) {
      series = this.#seriesOf(policyName(source), rule, verdict);
      ofRule.set(verdict, series);
    }
    return series;
  }

  #seriesOf(policy: string, rule: string, verdict: string): PolicySeries {
    const key = `${policy}\n${rule}\n${verdict}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#maxSeries && policy !== overflowName) {
      return this.#seriesOf(overflowName, "", verdict);
    }
    const created = { labels: { policy, rule, verdict }, value: 0, reported: 0 };
    this.#series.set(key, created);
    return created;
  }
}

/** "AuthorizationPolicy namespace/name"; of the mesh's own: without a namespace. */
export function policyName({ kind, namespace, name }: Source): string {
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
