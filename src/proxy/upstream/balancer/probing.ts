/**
 * When a member that is avoided for its slowness is asked again. Its estimate is forgotten exponentially, so one that answered
 * sixty times slower than the others would be left alone for most of a minute: too long for one that has recovered, and too
 * few answers for anybody to tell that it has not.
 */
import type { Fitness, BalancerMember } from "./member.ts";

/** Half a per cent of requests at the most are probes, so that the slowest hundredth is not made of them. */
export const picksPerProbe = 200;
/** A member that has answered since is not probed. */
const silentUs = 5_000_000;
/** Of how many members the longest silent one is looked for; the cost of a probe in a large cluster is bounded by it. */
const maxLooked = 16;

export class Probing<M extends BalancerMember> {
  readonly #members: readonly M[];
  readonly #fitness: Fitness;
  #picks = 0;

  constructor(members: readonly M[], fitness: Fitness) {
    this.#members = members;
    this.#fitness = fitness;
  }

  /** Called for every pick; undefined: this one is not to be a probe. */
  next(nowUs: number, random: () => number): M | undefined {
    if (++this.#picks < picksPerProbe) return undefined;
    this.#picks = 0;
    const count = this.#members.length;
    const start = count <= maxLooked ? 0 : Math.floor(random() * count);
    let longest: M | undefined;
    for (let i = 0; i < Math.min(count, maxLooked); i++) {
      const member = this.#members[(start + i) % count];
      if (member === undefined || !this.#isSilent(member, nowUs)) continue;
      if (longest === undefined || member.latency.observedUs < longest.latency.observedUs) longest = member;
    }
    return longest;
  }

  /** What is in flight will tell by itself. */
  #isSilent(member: M, nowUs: number): boolean {
    const { latency, inFlight, weight } = member;
    return (
      weight > 0 &&
      inFlight === 0 &&
      latency.isMeasured &&
      nowUs - latency.observedUs >= silentUs &&
      this.#fitness.isFit(member, nowUs)
    );
  }
}
