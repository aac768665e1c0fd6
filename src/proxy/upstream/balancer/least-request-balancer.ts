/** P2C over requests in flight, in relation to the weight. */
import type { BalancerMember } from "./member.ts";
import { P2cBalancer } from "./p2c.ts";

export class LeastRequestBalancer<M extends BalancerMember> extends P2cBalancer<M> {
  protected override compareLoad(a: M, b: M): number {
    return this.pressure(a) - this.pressure(b);
  }
}
