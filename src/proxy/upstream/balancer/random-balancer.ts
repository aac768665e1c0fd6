/** By chance alone, in proportion to the weights. */
import { alwaysJudged, type Balancer, type BalancerOptions } from "./balancer.ts";
import { type BalancerMember, type Fitness, scanFrom } from "./member.ts";
import type { WarmUp } from "./warm-up.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/** Draws before a member that is not fit, tried or warming up is no longer a matter of chance. */
const maxDraws = 8;

export class RandomBalancer<M extends BalancerMember> implements Balancer<M> {
  readonly members: readonly M[];
  readonly #draws: WeightedDraw;
  readonly #fitness: Fitness;
  readonly #warmUp: WarmUp | undefined;

  constructor(members: readonly M[], options: BalancerOptions = {}) {
    this.members = members;
    this.#draws = new WeightedDraw(members);
    this.#fitness = options.fitness ?? alwaysJudged;
    this.#warmUp = options.warmUp;
  }

  pick(nowUs: number, random: () => number, tried?: readonly M[]): M | undefined {
    if (this.members.length === 0) return undefined;
    const warmUp = this.#warmUp?.isActive(nowUs) === true ? this.#warmUp : undefined;
    for (let i = 0; i < maxDraws; i++) {
      const member = this.members[this.#draws.draw(random())];
      if (member === undefined || tried?.includes(member) === true) continue;
      if (!this.#fitness.isFit(member, nowUs)) continue;
      if (warmUp?.admits(member, nowUs, random) !== false) return member;
    }
    const start = this.#draws.draw(random());
    return scanFrom(this.members, start, (member) => this.#fitness.isFit(member, nowUs), tried);
  }
}
