/** PURE: which proxies get what is tried out. */

const range = 2 ** 32;

/** From 0 to below 1, the same for as long as both names are: xxHash32 (xxhash.com), whose bits are uniform for short texts. */
export function drawOf(workload: string, rollout: string): number {
  return Bun.hash.xxHash32(`${rollout}\0${workload}`) / range;
}

/** The share, or as much more as it takes for one of the proxies that it concerns to have it. */
export function thresholdFor(share: number, concerned: Iterable<string>, rollout: string): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const workload of concerned) lowest = Math.min(lowest, drawOf(workload, rollout));
  return lowest === Number.POSITIVE_INFINITY ? share : Math.max(share, lowest + 1 / range);
}
