/** Who answers worse than the others did in the same interval. The worst first: not all may be taken out. */
import type { OutlierMember } from "./endpoint-outcomes.ts";
import type { SuccessRateSettings } from "./settings.ts";

/** Endpoints whose share of successes lies further below the mean than so many standard deviations. */
export function successRateOutliers(
  members: readonly OutlierMember[],
  settings: SuccessRateSettings,
): OutlierMember[] {
  const rates: { readonly member: OutlierMember; readonly rate: number }[] = [];
  let sum = 0;
  for (const member of members) {
    const { outcomes } = member;
    if (outcomes === undefined || outcomes.requests < settings.minRequests) continue;
    const rate = outcomes.successes / outcomes.requests;
    rates.push({ member, rate });
    sum += rate;
  }
  if (rates.length === 0 || rates.length < settings.minEndpoints) return [];
  const mean = sum / rates.length;
  const variance = rates.reduce((total, { rate }) => total + (rate - mean) ** 2, 0) / rates.length;
  // Below what rounding does to equal rates, there is no difference.
  const threshold = mean - settings.deviations * Math.sqrt(variance) - 1e-9;
  return rates
    .filter(({ rate }) => rate < threshold)
    .toSorted((a, b) => a.rate - b.rate)
    .map(({ member }) => member);
}

/** A median of fewer answers is chance, and two endpoints do not tell which of them is the odd one. */
const minAnswers = 20;
const minCompared = 3;
/** A few hundred microseconds more are noise whatever their factor. */
const minExcessUs = 1_000;

/** Endpoints whose median latency is over `factor` times the median of all of them. */
export function latencyOutliers(members: readonly OutlierMember[], factor: number): OutlierMember[] {
  const medians: { readonly member: OutlierMember; readonly us: number }[] = [];
  for (const member of members) {
    const latencies = member.outcomes?.latencies;
    if (latencies === undefined || latencies.count < minAnswers) continue;
    medians.push({ member, us: latencies.quantileUs(0.5) });
  }
  if (medians.length < minCompared) return [];
  medians.sort((a, b) => b.us - a.us);
  const middle = medians[medians.length >> 1]?.us ?? 0;
  return medians
    .filter(({ us }) => us > middle * factor && us - middle > minExcessUs)
    .map(({ member }) => member);
}
