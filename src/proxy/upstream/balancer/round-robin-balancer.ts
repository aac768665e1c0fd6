/**
 * In turn, in proportion to the weights and spread out in time: earliest deadline first, where a turn moves a member's
 * deadline on by the inverse of its weight. Equal weights need no deadlines: a position goes round. Both begin at a random
 * place, so that proxies do not agree on who comes first, and both go on where they were when members join or leave.
 */
import { alwaysJudged, type Balancer, type BalancerOptions } from "./balancer.ts";
import { type BalancerMember, type Fitness, scanFrom } from "./member.ts";
import { takeTurns, type Turns } from "./turns.ts";
import type { WarmUp } from "./warm-up.ts";

/** Turns that are let go by, one after another, before the next that is fit is looked for in a row. */
const maxSkips = 32;

export class RoundRobinBalancer<M extends BalancerMember> implements Balancer<M> {
  readonly members: readonly M[];
  readonly #fitness: Fitness;
  readonly #warmUp: WarmUp | undefined;
  /** Made with the first pick: of many changes in a row only the last one costs. */
  #turns: Turns<M> | undefined;
  #inherited: Turns<M> | undefined;

  constructor(members: readonly M[], options: BalancerOptions = {}, previous?: Balancer<M>) {
    this.members = members;
    this.#fitness = options.fitness ?? alwaysJudged;
    this.#warmUp = options.warmUp;
    this.#turns = undefined;
    this.#inherited =
      previous instanceof RoundRobinBalancer ? (previous.#turns ?? previous.#inherited) : undefined;
  }

  pick(nowUs: number, random: () => number, tried?: readonly M[]): M | undefined {
    if (this.members.length === 0) return undefined;
    const turns = this.#turns ?? this.#begin(random);
    const warmUp = this.#warmUp?.isActive(nowUs) === true ? this.#warmUp : undefined;
    for (let i = 0; i < maxSkips; i++) {
      const member = turns.next();
      if (member === undefined || tried?.includes(member) === true) continue;
      if (!this.#fitness.isFit(member, nowUs)) continue;
      if (warmUp?.admits(member, nowUs, random) !== false) return member;
    }
    const start = Math.floor(random() * this.members.length);
    return scanFrom(this.members, start, (member) => this.#fitness.isFit(member, nowUs), tried);
  }

  #begin(random: () => number): Turns<M> {
    const turns = takeTurns(this.members, random, this.#inherited);
    this.#turns = turns;
    this.#inherited = undefined;
    return turns;
  }
}
