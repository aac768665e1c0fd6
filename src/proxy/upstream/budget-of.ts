/** A cluster's budget of retries outlives what changes around it: a new configuration is no new allowance. */
import { RetryBudget } from "../../decide/index.ts";
import type { Cluster } from "../../model/index.ts";

export function budgetOf({ retryBudget }: Cluster, before: RetryBudget | undefined): RetryBudget {
  const made = new RetryBudget(retryBudget);
  const isSame = before?.percent === made.percent && before.minPerSecond === made.minPerSecond;
  return isSame ? before : made;
}
