/** How often each policy decided what at which workload or gateway, as all proxies report it; since the control plane's start. */
import type { TelemetryReport } from "../wire/index.ts";
import { speaksFor } from "./refusals.ts";

export interface PolicyDecisionTotal {
  /** "namespace/name" of the workload or gateway. */
  readonly workload: string;
  /** "AuthorizationPolicy namespace/name"; "other": more than are told apart. */
  readonly policy: string;
  readonly rule: string;
  readonly verdict: string;
  count: number;
}

/** Some 300 bytes each; a proxy itself tells 2,000 apart. */
const maxKept = 10_000;
const maxPerReport = 4_000;
/** A kind and two names. */
const maxTextLength = 600;

export class PolicyDecisions {
  readonly #max: number;
  readonly #totals = new Map<string, PolicyDecisionTotal>();

  constructor(max = maxKept) {
    this.#max = max;
  }

  add(report: TelemetryReport, reporter: string): void {
    if (!speaksFor(reporter, report.proxy)) return;
    for (const { policy, rule, verdict, count } of report.policies.slice(0, maxPerReport)) {
      const said = { workload: report.proxy, policy: cut(policy), rule: cut(rule), verdict: cut(verdict) };
      const total = this.#totalOf(said);
      total.count = Math.min(Number.MAX_SAFE_INTEGER, total.count + Number(count));
    }
  }

  list(): readonly PolicyDecisionTotal[] {
    return [...this.#totals.values()];
  }

  #totalOf(said: Omit<PolicyDecisionTotal, "count">): PolicyDecisionTotal {
    const key = `${said.workload} ${said.policy} ${said.rule} ${said.verdict}`;
    const known = this.#totals.get(key);
    if (known !== undefined) return known;
    if (this.#totals.size >= this.#max) {
      return this.#kept("other", { workload: "", policy: "other", rule: "", verdict: "" });
    }
    return this.#kept(key, said);
  }

  #kept(key: string, said: Omit<PolicyDecisionTotal, "count">): PolicyDecisionTotal {
    const total = this.#totals.get(key) ?? { ...said, count: 0 };
    this.#totals.set(key, total);
    return total;
  }
}

function cut(text: string): string {
  return text.slice(0, maxTextLength);
}
