/** The limits of one place as a filter. */
import type { RuleMatcher } from "../../../decide/index.ts";
import { type RateLimit, RateLimitScope } from "../../../model/index.ts";
import type { AdmissionContext } from "../context.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, RequestFilter } from "../filter.ts";
import { AnswerHeaders } from "./answer-headers.ts";
import { Decision, type DecisionRules, type KeptLimit } from "./decision.ts";
import { LimitsState } from "./limits-state.ts";
import { groupByService, ServiceLimits } from "./service-limits.ts";

/** What is left of a proxy's limits outlives the filters, and lives as long as the proxy's context. */
const states = new WeakMap<AdmissionContext, LimitsState>();

/** All limits must have room. */
export function rateLimitFilter(
  limits: readonly RateLimit[],
  context: AdmissionContext,
  matcher: RuleMatcher,
): RequestFilter {
  return new RateLimitFilter(limits, context, matcher);
}

class RateLimitFilter implements RequestFilter {
  readonly #rules: DecisionRules;
  readonly #releases: (() => void)[] = [];
  readonly #suspended = new Map<FilteredExchange, Decision>();

  constructor(limits: readonly RateLimit[], context: AdmissionContext, matcher: RuleMatcher) {
    const state = states.get(context) ?? new LimitsState(context, matcher);
    states.set(context, state);
    const isService = ({ scope }: RateLimit): boolean => scope === RateLimitScope.SERVICE;
    const isShared = ({ scope }: RateLimit): boolean => scope === RateLimitScope.GLOBAL;
    const kept = limits.filter((limit) => !isService(limit));
    // What is known here is looked at first, so that a request which it refuses asks nobody.
    const sorted = [...kept.filter((limit) => !isShared(limit)), ...kept.filter(isShared)];
    this.#rules = {
      kept: sorted.map((limit): KeptLimit => {
        const { keeper, release } = state.acquire(limit);
        this.#releases.push(release);
        return { limit, keeper, headers: new AnswerHeaders(limit.source?.section ?? "") };
      }),
      services: groupByService(limits.filter(isService)).map(
        ([service, own]) => new ServiceLimits(context, service, own, matcher),
      ),
      nowUs: () => context.clock.monotonicUs(),
    };
  }

  start(exchange: FilteredExchange, resume: (step: "continue" | FilterRefusal) => void): FilterStep {
    const decision = new Decision(this.#rules, exchange, (step) => {
      this.#suspended.delete(exchange);
      resume(step);
    });
    const step = decision.run();
    if (step === "suspended") this.#suspended.set(exchange, decision);
    return step;
  }

  cancel(exchange: FilteredExchange): void {
    this.#suspended.get(exchange)?.cancel();
    this.#suspended.delete(exchange);
  }

  close(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}
