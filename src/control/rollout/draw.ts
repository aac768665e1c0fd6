/** PURE: which proxies get what is tried out. */

const range = 2 ** 32;

/** From 0 to below 1, the same for as long as both names are: xxHash32 (xxhash.com), whose bits are uniform for short texts. */
export function drawOf(workload: string, rollout: string): number {
  return Bun.hash.xxHash32(`${rollout}\0${workload}`) / range;
}

/**
 * Below it are the draws of the share of those proxies that it concerns, rounded down, but of one at least; 0 where there are
 * none. Who joins later has it with the same probability.
 */
export function thresholdFor(share: number, concerned: readonly string[], rollout: string): number {
  const draws = concerned.map((workload) => drawOf(workload, rollout)).toSorted((a, b) => a - b);
  const last = draws[Math.max(1, Math.floor(share * draws.length)) - 1];
  return last === undefined ? 0 : last + 1 / range;
}
