/** P2C over peak-EWMA load: the member that is expected to answer sooner, given what it has in flight. The default. */
import { alwaysJudged, type BalancerOptions } from "./balancer.ts";
import type { BalancerMember } from "./member.ts";
import { P2cBalancer } from "./p2c.ts";
import { Probing } from "./probing.ts";

export class PeakEwmaBalancer<M extends BalancerMember> extends P2cBalancer<M> {
  readonly #probing: Probing<M>;

  constructor(members: readonly M[], options: BalancerOptions = {}) {
    super(members, options);
    this.#probing = new Probing(members, options.fitness ?? alwaysJudged);
  }

  override pick(nowUs: number, random: () => number, tried?: readonly M[]): M | undefined {
    // What is tried again has waited already.
    const probed = tried === undefined || tried.length === 0 ? this.#probing.next(nowUs, random) : undefined;
    return probed ?? super.pick(nowUs, random, tried);
  }

  protected override compareLoad(a: M, b: M, nowUs: number): number {
    const ours = this.pressure(a);
    const theirs = this.pressure(b);
    // A member without a measurement is compared by what it has in flight: it gets its fair share, no flood, no famine.
    if (!a.latency.isMeasured || !b.latency.isMeasured) return ours - theirs;
    return ours * a.latency.estimateUs(nowUs) - theirs * b.latency.estimateUs(nowUs);
  }
}
