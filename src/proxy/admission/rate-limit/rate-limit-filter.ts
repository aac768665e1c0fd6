/** The limits of one place as a filter. */
import { type RateLimit, RateLimitScope } from "../../../model/index.ts";
import type { AdmissionContext } from "../context.ts";
import type { FilteredExchange, FilterStep, FilterWaiter, RequestFilter } from "../filter.ts";
import { AnswerHeaders } from "./answer-headers.ts";
import { Decision, type DecisionRules, type KeptLimit } from "./decision.ts";
import { LimitsState } from "./limits-state.ts";
import { groupByService, ServiceLimits } from "./service-limits.ts";

/** What is left of a proxy's limits outlives the filters, and lives as long as the proxy's context. */
const states = new WeakMap<AdmissionContext, LimitsState>();

/** All limits must have room. */
export function rateLimitFilter(limits: readonly RateLimit[], context: AdmissionContext): RequestFilter {
  return new RateLimitFilter(limits, context);
}

class RateLimitFilter implements RequestFilter {
  readonly #rules: DecisionRules;
  /** Where it is the only one, and this process's own: most requests need no more than one look at one bucket. */
  readonly #only: KeptLimit | undefined;
  readonly #releases: (() => void)[] = [];
  readonly #suspended = new Map<FilteredExchange, Decision>();

  constructor(limits: readonly RateLimit[], context: AdmissionContext) {
    const state = states.get(context) ?? new LimitsState(context);
    states.set(context, state);
    const isService = ({ scope }: RateLimit): boolean => scope === RateLimitScope.SERVICE;
    const isShared = ({ scope }: RateLimit): boolean => scope === RateLimitScope.GLOBAL;
    const kept = limits.filter((limit) => !isService(limit));
    // What is known here is looked at first, so that a request which it refuses asks nobody.
    const sorted = [...kept.filter((limit) => !isShared(limit)), ...kept.filter(isShared)];
    this.#rules = {
      kept: sorted.map((limit): KeptLimit => {
        const acquired = state.acquire(limit);
        this.#releases.push(() => acquired.release());
        return { limit, keeper: acquired.keeper, headers: new AnswerHeaders(limit.source?.section ?? "") };
      }),
      services: groupByService(limits.filter(isService)).map(
        ([service, own]) => new ServiceLimits(context, service, own),
      ),
      nowUs: () => context.clock.monotonicUs(),
    };
    const [first] = limits;
    this.#only =
      limits.length === 1 && first?.scope === RateLimitScope.LOCAL ? this.#rules.kept[0] : undefined;
  }

  start(exchange: FilteredExchange, waiter: FilterWaiter): FilterStep {
    if (this.#only !== undefined && this.#passesOnly(this.#only, exchange)) return "continue";
    const decision = new Decision(this.#rules, exchange, (step) => {
      this.#suspended.delete(exchange);
      waiter.resume(step);
    });
    const step = decision.run();
    if (step === "suspended") this.#suspended.set(exchange, decision);
    return step;
  }

  /** False: nothing was taken, and the whole decision says what that means. */
  #passesOnly({ limit, keeper, headers }: KeptLimit, exchange: FilteredExchange): boolean {
    const nowUs = this.#rules.nowUs();
    const quota = keeper.quotaOf(exchange.request, nowUs);
    if (quota === undefined) return true;
    if (quota.take(nowUs) !== "taken") return false;
    if (!limit.hidesHeaders && !limit.dryRun && exchange.head !== undefined)
      headers.tell(exchange, quota, nowUs);
    return true;
  }

  cancel(exchange: FilteredExchange): void {
    this.#suspended.get(exchange)?.cancel();
    this.#suspended.delete(exchange);
  }

  close(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}
