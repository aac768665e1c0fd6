/**
 * How requests are shared between groups of endpoints, from how many of each are fit. A level can carry everything while
 * at least `minFit` of its endpoints are fit; below that its capacity is what is fit over what must be, and the next level
 * takes the rest (Envoy's overprovisioning factor is 1 / minFit). When all levels together cannot carry everything they
 * carry it in proportion; when then fewer than `panic` of all endpoints are fit, fitness is ignored and all take part.
 */

import type { Balancing, Locality } from "../model/index.ts";

/** In [0, 1], where the model says nothing too. */
export function minFitOf(locality: Locality | undefined): number {
  return (locality?.minFitPercent ?? defaultMinFitPercent) / 100;
}

export function panicOf(balancing: Balancing | undefined): number {
  return (balancing?.panicPercent ?? defaultPanicPercent) / 100;
}

const defaultMinFitPercent = 70;
const defaultPanicPercent = 50;

export interface GroupState {
  readonly level: number;
  readonly weight: number;
  /** Endpoints that may be picked. */
  readonly usable: number;
  /** With those that the control plane has taken out, because they are unhealthy. */
  readonly total: number;
  /** Of the usable ones. */
  readonly fit: number;
}

export interface GroupShares {
  readonly isPanic: boolean;
  /** By group; together 1, where there is a group. */
  readonly shares: readonly number[];
}

/** `groups` are sorted by level. `minFit` and `panic` are in [0, 1]. */
export function shareBetween(groups: readonly GroupState[], minFit: number, panic: number): GroupShares {
  const capacities = groups.map((group) => capacityOf(group, minFit));
  const shares = shareByLevel(groups, capacities);
  const carried = sum(shares);
  const fit = sum(groups.map((group) => group.fit));
  const usable = sum(groups.map((group) => group.usable));
  if (carried < 1 && fit < usable * panic) {
    return { isPanic: true, shares: groups.map((group) => group.usable / usable) };
  }
  // Nobody is fit and there is no panic: the nearest are as good as any.
  if (carried === 0) return { isPanic: false, shares: groups.map((_, index) => (index === 0 ? 1 : 0)) };
  return { isPanic: false, shares: shares.map((share) => share / carried) };
}

function capacityOf({ fit, total }: GroupState, minFit: number): number {
  if (fit === 0) return 0;
  return minFit === 0 ? 1 : Math.min(1, fit / total / minFit);
}

function shareByLevel(groups: readonly GroupState[], capacities: readonly number[]): number[] {
  const shares = groups.map(() => 0);
  let remaining = 1;
  for (let start = 0; start < groups.length && remaining > 0; ) {
    const end = endOfLevel(groups, start);
    let weights = 0;
    let carrying = 0;
    for (let i = start; i < end; i++) {
      const weight = groups[i]?.weight ?? 0;
      weights += weight;
      carrying += weight * (capacities[i] ?? 0);
    }
    const taken = weights === 0 ? 0 : remaining * Math.min(1, carrying / weights / remaining);
    for (let i = start; i < end; i++) {
      const part = (groups[i]?.weight ?? 0) * (capacities[i] ?? 0);
      shares[i] = part === 0 ? 0 : (taken * part) / carrying;
    }
    remaining -= taken;
    start = end;
  }
  return shares;
}

function endOfLevel(groups: readonly GroupState[], start: number): number {
  let end = start;
  while (end < groups.length && groups[end]?.level === groups[start]?.level) end++;
  return end;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
