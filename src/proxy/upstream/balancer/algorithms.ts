/** Every algorithm by its name in the model: a new one is a file and a line here. */
import { type Balancing, BalancingAlgorithm } from "../../../model/index.ts";
import type { Balancer, BalancerOptions } from "./balancer.ts";
import { LeastRequestBalancer } from "./least-request-balancer.ts";
import { MaglevBalancer } from "./maglev-balancer.ts";
import type { BalancerMember } from "./member.ts";
import { PeakEwmaBalancer } from "./peak-ewma-balancer.ts";
import { RandomBalancer } from "./random-balancer.ts";
import { RingHashBalancer } from "./ring-hash-balancer.ts";
import { RoundRobinBalancer } from "./round-robin-balancer.ts";

/** `previous` had other members, or the same ones with other weights: what can be is taken over from it. */
type MakeBalancer = <M extends BalancerMember>(
  members: readonly M[],
  options: BalancerOptions,
  previous: Balancer<M> | undefined,
) => Balancer<M>;

interface Algorithm {
  readonly make: MakeBalancer;
  /** Reads the request's hash. */
  readonly isHashed: boolean;
}

const peakEwma: Algorithm = {
  make: (members, options) => new PeakEwmaBalancer(members, options),
  isHashed: false,
};

const algorithms: Readonly<Record<BalancingAlgorithm, Algorithm>> = {
  [BalancingAlgorithm.UNSPECIFIED]: peakEwma,
  [BalancingAlgorithm.PEAK_EWMA]: peakEwma,
  [BalancingAlgorithm.LEAST_REQUEST]: {
    make: (members, options) => new LeastRequestBalancer(members, options),
    isHashed: false,
  },
  [BalancingAlgorithm.ROUND_ROBIN]: {
    make: (members, options, previous) => new RoundRobinBalancer(members, options, previous),
    isHashed: false,
  },
  [BalancingAlgorithm.RANDOM]: {
    make: (members, options) => new RandomBalancer(members, options),
    isHashed: false,
  },
  [BalancingAlgorithm.RING_HASH]: {
    make: (members, options, previous) => new RingHashBalancer(members, options, previous),
    isHashed: true,
  },
  [BalancingAlgorithm.MAGLEV]: {
    make: (members, options, previous) => new MaglevBalancer(members, options, previous),
    isHashed: true,
  },
};

/** The default where nothing is said, or what only a newer proxy knows. */
export function algorithmOf(balancing: Pick<Balancing, "algorithm"> | undefined): Algorithm {
  return algorithms[balancing?.algorithm ?? BalancingAlgorithm.UNSPECIFIED] ?? peakEwma;
}

export function makeBalancer<M extends BalancerMember>(
  balancing: Pick<Balancing, "algorithm"> | undefined,
  members: readonly M[],
  options: BalancerOptions,
  previous?: Balancer<M>,
): Balancer<M> {
  const weighted = members.every((member) => member.weight > 0)
    ? members
    : members.filter((member) => member.weight > 0);
  return algorithmOf(balancing).make(weighted, options, previous);
}
