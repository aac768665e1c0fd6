/**
 * Tiers of services above a dead one, in virtual time: how much more the dead one is asked than users ask. What a tier
 * knows is what its proxy knows: its budget, and whether it has just tried in vain (`weft-no-retry` of the proxies).
 */
import { expect, test } from "bun:test";
import { requestDefaults } from "./requests.ts";
import { RetryBudget } from "./retry-budget.ts";
import { judgeRetry } from "./retry.ts";

const { retry } = requestDefaults.sidecar;

class Tier {
  received = 0;
  readonly #budget: RetryBudget | undefined;
  readonly #next: Tier | undefined;

  /** `next` undefined: it is dead. */
  constructor(budget: RetryBudget | undefined, next: Tier | undefined) {
    this.#budget = budget;
    this.#next = next;
  }

  /** It fails. True: and says that nobody should try again. */
  ask(nowUs: number): boolean {
    this.received++;
    const next = this.#next;
    if (next === undefined) return false;
    this.#budget?.addRequest(nowUs);
    for (let retries = 0; ; retries++) {
      const isFinal = next.ask(nowUs);
      const end = { cause: "answer", status: 503, grpcStatus: undefined, retryAfterMs: undefined } as const;
      const verdict = judgeRetry(
        retry,
        { ...end, isFinal: isFinal && this.#budget !== undefined },
        { retries, method: "GET", hasOther: true, isInherited: false, remainingMs: Infinity, random: 0 },
      );
      if (!verdict.isRepeated || this.#budget?.takeRetry(nowUs) === false) return true;
    }
  }
}

/** Requests that the bottom got for each that users made, over ten seconds. */
function amplification(perSecond: number, newBudget: () => RetryBudget | undefined): number[] {
  const bottom = new Tier(undefined, undefined);
  const third = new Tier(newBudget(), bottom);
  const second = new Tier(newBudget(), third);
  const edge = new Tier(newBudget(), second);
  const total = perSecond * 10;
  for (let i = 0; i < total; i++) edge.ask((i * 1_000_000) / perSecond);
  return [second, third, bottom].map((tier) => tier.received / total);
}

test("without budgets three tiers of three tries ask the dead one 27 times", () => {
  expect(amplification(100, () => undefined)).toEqual([3, 9, 27]);
});

test.each([100, 1_000, 5_000])("at %d requests a second it is asked at most 1.25 times", (perSecond) => {
  const [second = 0, third = 0, bottom = 0] = amplification(perSecond, () => new RetryBudget(undefined));
  expect(second).toBe(1);
  expect(third).toBe(1);
  expect(bottom).toBeLessThanOrEqual(1.25);
  expect(bottom).toBeGreaterThan(1.1);
});

test("what is rare is asked three times and not 27", () => {
  expect(amplification(1, () => new RetryBudget(undefined))).toEqual([1, 1, 3]);
});
