/** Every algorithm under the contract of all. */
import { BalancingAlgorithm } from "../../../model/index.ts";
import { balancerContract } from "./test/contract.ts";

for (const algorithm of [
  BalancingAlgorithm.PEAK_EWMA,
  BalancingAlgorithm.LEAST_REQUEST,
  BalancingAlgorithm.ROUND_ROBIN,
  BalancingAlgorithm.RANDOM,
  BalancingAlgorithm.RING_HASH,
  BalancingAlgorithm.MAGLEV,
]) {
  balancerContract(algorithm);
}
