/** P2C over peak-EWMA load: the member that is expected to answer sooner, given what it has in flight. The default. */
import type { BalancerMember } from "./member.ts";
import { P2cBalancer } from "./p2c.ts";

export class PeakEwmaBalancer<M extends BalancerMember> extends P2cBalancer<M> {
  protected override compareLoad(a: M, b: M, nowUs: number): number {
    const ours = this.pressure(a);
    const theirs = this.pressure(b);
    // A member without a measurement is compared by what it has in flight: it gets its fair share, no flood, no famine.
    if (!a.latency.isMeasured || !b.latency.isMeasured) return ours - theirs;
    return ours * a.latency.estimateUs(nowUs) - theirs * b.latency.estimateUs(nowUs);
  }
}
