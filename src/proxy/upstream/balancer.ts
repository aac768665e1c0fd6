/**
 * Power of two choices over peak-EWMA load: two random members, the one that is expected to answer sooner gets the
 * request. Members that failed to connect a moment ago come last, members already tried by this request not at all.
 */
import type { PeakEwma } from "./peak-ewma.ts";

export interface BalancerMember {
  readonly weight: number;
  readonly latency: PeakEwma;
  /** Requests that have been given to it and not ended. */
  readonly inFlight: number;
  /** Clock time in microseconds until which it stands at the back; 0: it does not. */
  readonly avoidUntilUs: number;
  /** Neither avoided, ejected nor probed as unhealthy. */
  isFit(nowUs: number): boolean;
}

export class P2cBalancer<M extends BalancerMember> {
  readonly members: readonly M[];
  /** Running sums of the weights; undefined where all are equal and an index can be drawn directly. */
  readonly #cumulative: Float64Array | undefined;

  constructor(members: readonly M[]) {
    this.members = members;
    this.#cumulative = cumulativeWeights(members);
  }

  /** Undefined where every member was tried or there is none. `random` gives numbers in [0, 1). */
  pick(nowUs: number, random: () => number, tried?: readonly M[]): M | undefined {
    const count = this.members.length;
    if (count === 0) return undefined;
    const first = this.#draw(random());
    const second = count === 1 ? first : this.#drawOther(first, random());
    const better = this.#better(first, second, nowUs, random);
    if (better !== undefined && isEligible(better, nowUs, tried)) return better;
    return this.#scan(nowUs, random, tried);
  }

  #draw(random: number): number {
    const sums = this.#cumulative;
    if (sums === undefined) return Math.floor(random * this.members.length);
    const wanted = random * (sums[sums.length - 1] ?? 0);
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A second, different index; with weights a repeated draw just means that the heavy one competes with its neighbour. */
  #drawOther(first: number, random: number): number {
    if (this.#cumulative === undefined) {
      return (first + 1 + Math.floor(random * (this.members.length - 1))) % this.members.length;
    }
    // Weighted shares come from the draw alone; a second candidate drawn the same way keeps them while both are equally fast.
    return this.#draw(random);
  }

  #better(first: number, second: number, nowUs: number, random: () => number): M | undefined {
    const a = this.members[first];
    const b = this.members[second];
    if (a === undefined || b === undefined || a === b) return a;
    return isBetter(b, a, nowUs, random) ? b : a;
  }

  /** The slow path: a sampled member was tried or is avoided. Best eligible one, else the one whose avoidance ends first. */
  #scan(nowUs: number, random: () => number, tried: readonly M[] | undefined): M | undefined {
    let best: M | undefined;
    let lastResort: M | undefined;
    for (const member of this.members) {
      if (tried?.includes(member) === true) continue;
      if (!member.isFit(nowUs)) {
        if (lastResort === undefined || member.avoidUntilUs < lastResort.avoidUntilUs) lastResort = member;
      } else if (best === undefined || isBetter(member, best, nowUs, random)) {
        best = member;
      }
    }
    return best ?? lastResort;
  }
}

function isEligible<M extends BalancerMember>(
  member: M,
  nowUs: number,
  tried: readonly M[] | undefined,
): boolean {
  return member.isFit(nowUs) && tried?.includes(member) !== true;
}

function isBetter(
  candidate: BalancerMember,
  current: BalancerMember,
  nowUs: number,
  random: () => number,
): boolean {
  const isFit = candidate.isFit(nowUs);
  if (isFit !== current.isFit(nowUs)) return isFit;
  let ours = candidate.inFlight + 1;
  let theirs = current.inFlight + 1;
  // A member without a measurement is compared by what it has in flight: it gets its fair share, no flood, no famine.
  if (candidate.latency.isMeasured && current.latency.isMeasured) {
    ours *= candidate.latency.estimateUs(nowUs);
    theirs *= current.latency.estimateUs(nowUs);
  }
  return ours === theirs ? random() < 0.5 : ours < theirs;
}

function cumulativeWeights(members: readonly BalancerMember[]): Float64Array | undefined {
  const first = members[0];
  if (first === undefined || members.every((member) => member.weight === first.weight)) return undefined;
  const sums = new Float64Array(members.length);
  let sum = 0;
  for (const [index, member] of members.entries()) {
    sum += member.weight;
    sums[index] = sum;
  }
  return sums;
}
