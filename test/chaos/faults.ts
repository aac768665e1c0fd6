/** All that goes wrong. */
import { apiFaults } from "./api-faults.ts";
import { controlFaults } from "./control-faults.ts";
import type { Fault } from "./fault.ts";
import type { Means } from "./means.ts";
import { proxyFaults } from "./proxy-faults.ts";
import { storeFaults } from "./store-faults.ts";
import { trustFaults } from "./trust-faults.ts";

export function faultsFor(means: Means): {
  readonly faults: readonly Fault[];
  /** What this machine cannot do. */
  readonly skipped: readonly string[];
} {
  const all = [...controlFaults, ...storeFaults(means), ...proxyFaults, ...apiFaults, ...trustFaults(means)];
  return {
    faults: all.filter((each) => typeof each !== "string"),
    skipped: [...new Set(all.filter((each) => typeof each === "string"))],
  };
}
