/** What balancing reads of an endpoint, and when one counts as fit. */
import type { Placed } from "../../../decide/index.ts";
import type { PeakEwma } from "./peak-ewma.ts";

export interface BalancerMember {
  /** The same in every proxy; hash tables place the member by it. */
  readonly key: string;
  /** Relative to the others'. 0: it is not picked. */
  readonly weight: number;
  readonly latency: PeakEwma;
  /** Requests that have been given to it and not ended. */
  readonly inFlight: number;
  /** Clock time in microseconds until which it stands at the back because a connect failed; 0: it does not. */
  readonly avoidUntilUs: number;
  /** Clock time in microseconds until which its own answers have put it at the back; 0: they have not. */
  readonly ejectedUntilUs: number;
  readonly warmth: Warmth;
  /** For `indexMembers` alone. */
  slot: number;
  /** Neither avoided, ejected nor probed as unhealthy. */
  isFit(nowUs: number): boolean;
}

export interface PlacedMember extends BalancerMember, Placed {}

/** So that `indexIn` finds each of them in the list. Means nothing any more when another list was indexed. */
export function indexMembers(members: readonly BalancerMember[]): void {
  for (let i = 0; i < members.length; i++) {
    const member = members[i];
    if (member !== undefined) member.slot = i;
  }
}

/** -1: it is not in the list, which was indexed last. No map is made: lists have up to a hundred thousand members. */
export function indexIn(members: readonly BalancerMember[], member: BalancerMember): number {
  return members[member.slot] === member ? member.slot : -1;
}

/** Where a member is in its slow start; written by `WarmUp` alone. */
export class Warmth {
  /** No balancer has seen it yet. */
  isNew = true;
  /** It was not fit when last looked at. */
  wasUnfit = false;
  /** Clock time in microseconds at which it became usable; 0: it counts as warm. */
  sinceUs = 0;
}

/** One for all balancers of a cluster, so that its panic is theirs. */
export class Fitness {
  /**
   * So few are fit that verdicts are ignored, lest the rest be overrun. A failed connect still counts: it was seen a
   * moment ago and is over in seconds, and a request that goes there is lost time for certain.
   */
  isPanic = false;

  isFit(member: BalancerMember, nowUs: number): boolean {
    return this.isPanic ? member.avoidUntilUs <= nowUs : member.isFit(nowUs);
  }
}

/** Nobody is fit: the one that stands at the back for the shortest time comes first. */
export function isSoonerFit(candidate: BalancerMember, current: BalancerMember | undefined): boolean {
  return current === undefined || standsBackUntilUs(candidate) < standsBackUntilUs(current);
}

function standsBackUntilUs(member: BalancerMember): number {
  return Math.max(member.avoidUntilUs, member.ejectedUntilUs);
}

/** From `start` around: the first fit one that was not tried, else one that is not fit. Linear: for when the quick way found nothing. */
export function scanFrom<M extends BalancerMember>(
  members: readonly M[],
  start: number,
  isFit: (member: M) => boolean,
  tried: readonly M[] | undefined,
): M | undefined {
  let lastResort: M | undefined;
  for (let i = 0; i < members.length; i++) {
    const member = members[(start + i) % members.length];
    if (member === undefined || tried?.includes(member) === true) continue;
    if (isFit(member)) return member;
    if (isSoonerFit(member, lastResort)) lastResort = member;
  }
  return lastResort;
}
