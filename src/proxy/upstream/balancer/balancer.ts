/** The contract of an algorithm: it chooses one of a fixed set of members. `test/contract.ts` is its suite. */
import type { HashKey } from "../../../model/index.ts";
import { Fitness } from "./member.ts";
import type { WarmUp } from "./warm-up.ts";

/** The request or connection that a member is picked for. */
export interface PickRequest {
  /** Of the first of `keys` that it has; in [0, 2^32), the same for all its tries. Undefined: it has none. */
  hash(keys: readonly HashKey[]): number | undefined;
}

export interface Balancer<M> {
  readonly members: readonly M[];
  /**
   * Never one of `tried`; one that is not fit only where no other is left; undefined: none is. `random` gives numbers in
   * [0, 1). Allocates nothing in the common case.
   */
  pick(nowUs: number, random: () => number, tried?: readonly M[], request?: PickRequest): M | undefined;
}

export interface BalancerOptions {
  readonly fitness?: Fitness;
  /** Undefined: new members get their whole share at once. */
  readonly warmUp?: WarmUp | undefined;
  readonly hashKeys?: readonly HashKey[];
  /** Places of the ring, all members together; 0 or absent: 128 for a member of mean weight. */
  readonly ringSize?: number;
  /** Places of Maglev's table; made a prime above the number of members. 0 or absent: 65537, more for many members. */
  readonly tableSize?: number;
}

export const alwaysJudged = new Fitness();
