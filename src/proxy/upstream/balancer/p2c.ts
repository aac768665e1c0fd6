/**
 * Power of two choices: two random members, the one with the lesser load gets the request. What load is, says the
 * subclass. Members that are not fit come last, members already tried by this request not at all.
 */
import { alwaysJudged, type Balancer, type BalancerOptions } from "./balancer.ts";
import { type BalancerMember, type Fitness, isSoonerFit } from "./member.ts";
import type { WarmUp } from "./warm-up.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/** Draws for one place while the drawn ones are warming up and let their turn go. */
const maxRedraws = 3;

export abstract class P2cBalancer<M extends BalancerMember> implements Balancer<M> {
  readonly members: readonly M[];
  readonly #draws: WeightedDraw;
  /** 0: all weights are equal. */
  readonly #meanWeight: number;
  readonly #fitness: Fitness;
  readonly #warmUp: WarmUp | undefined;

  constructor(members: readonly M[], options: BalancerOptions = {}) {
    this.members = members;
    this.#draws = new WeightedDraw(members);
    this.#meanWeight = this.#draws.meanWeight;
    this.#fitness = options.fitness ?? alwaysJudged;
    this.#warmUp = options.warmUp;
  }

  pick(nowUs: number, random: () => number, tried?: readonly M[]): M | undefined {
    const count = this.members.length;
    if (count === 0) return undefined;
    let first = this.#draws.draw(random());
    let second = count === 1 ? first : this.#drawOther(first, random());
    if (this.#warmUp?.isActive(nowUs) === true) {
      first = this.#redraw(first, nowUs, random);
      if (!this.#admits(second, nowUs, random)) second = first;
    }
    const better = this.#better(first, second, nowUs, random);
    if (better !== undefined && this.#isEligible(better, nowUs, tried)) return better;
    return this.#scan(nowUs, random, tried);
  }

  /** Negative where `a` is the less loaded, 0 where chance may decide. */
  protected abstract compareLoad(a: M, b: M, nowUs: number): number;

  /** What the member has in flight for its weight, and one more. On idle members weights show in the draw alone. */
  protected pressure(member: M): number {
    const { inFlight } = member;
    return this.#meanWeight === 0 ? inFlight + 1 : (inFlight * this.#meanWeight) / member.weight + 1;
  }

  /** A second, different index; with weights a repeated draw just means that the heavy one competes with its neighbour. */
  #drawOther(first: number, random: number): number {
    if (this.#draws.hasEqualWeights) {
      return (first + 1 + Math.floor(random * (this.members.length - 1))) % this.members.length;
    }
    // Weighted shares come from the draw; a second candidate drawn the same way keeps them while both are equally fast.
    return this.#draws.draw(random);
  }

  #redraw(index: number, nowUs: number, random: () => number): number {
    let drawn = index;
    for (let i = 0; i < maxRedraws && !this.#admits(drawn, nowUs, random); i++) {
      drawn = this.#draws.draw(random());
    }
    return drawn;
  }

  #admits(index: number, nowUs: number, random: () => number): boolean {
    const member = this.members[index];
    return member === undefined || this.#warmUp?.admits(member, nowUs, random) !== false;
  }

  #better(first: number, second: number, nowUs: number, random: () => number): M | undefined {
    const a = this.members[first];
    const b = this.members[second];
    if (a === undefined || b === undefined || a === b) return a;
    return this.#isBetter(b, a, nowUs, random) ? b : a;
  }

  #isEligible(member: M, nowUs: number, tried: readonly M[] | undefined): boolean {
    return this.#fitness.isFit(member, nowUs) && tried?.includes(member) !== true;
  }

  /** The slow path: a sampled member was tried or is not fit. The best eligible one, else the one that is fit again first. */
  #scan(nowUs: number, random: () => number, tried: readonly M[] | undefined): M | undefined {
    let best: M | undefined;
    let lastResort: M | undefined;
    for (const member of this.members) {
      if (tried?.includes(member) === true) continue;
      if (!this.#fitness.isFit(member, nowUs)) {
        if (isSoonerFit(member, lastResort)) lastResort = member;
      } else if (best === undefined || this.#isBetter(member, best, nowUs, random)) {
        best = member;
      }
    }
    return best ?? lastResort;
  }

  #isBetter(candidate: M, current: M, nowUs: number, random: () => number): boolean {
    const isCandidateFit = this.#fitness.isFit(candidate, nowUs);
    if (isCandidateFit !== this.#fitness.isFit(current, nowUs)) return isCandidateFit;
    const order = this.compareLoad(candidate, current, nowUs);
    return order === 0 ? random() < 0.5 : order < 0;
  }
}
