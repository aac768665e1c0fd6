/** Clusters with something wrong, for tests, for the tables of docs/balancing.md and, over real sockets, beside another proxy. */
import { BalancingAlgorithm } from "../../../model/index.ts";
import type { SimulatedServer, Simulation } from "./simulation.ts";

export const balancedAlgorithms = [
  BalancingAlgorithm.PEAK_EWMA,
  BalancingAlgorithm.LEAST_REQUEST,
  BalancingAlgorithm.ROUND_ROBIN,
  BalancingAlgorithm.RANDOM,
  BalancingAlgorithm.RING_HASH,
  BalancingAlgorithm.MAGLEV,
] as const;

export interface BalancingScenario extends Omit<Simulation, "balancing"> {
  readonly title: string;
  /** The server that the scenario is about. */
  readonly subject: string;
}

const serviceMs = 5;
const workers = 8;
const count = 10;

function servers(changes: Partial<SimulatedServer>[] = []): SimulatedServer[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    serviceMs,
    workers,
    ...changes[index],
  }));
}

/** A server takes 8 requests at once of 6.25 ms each on average, so that all ten can answer 12,800 a second. */
const load = { requestsPerSecond: 2_000, seconds: 30, warmUpSeconds: 5, subject: "s0" };

export const balancingScenarios: readonly BalancingScenario[] = [
  { title: "all alike", ...load, servers: servers() },
  { title: "one is 10 times slower", ...load, servers: servers([{ serviceMs: serviceMs * 10 }]) },
  {
    title: "the same, and all stand still for 0.1 s every 10 s",
    ...load,
    stallEveryMs: 10_000,
    servers: servers([{ serviceMs: serviceMs * 10 }]),
  },
  { title: "one fails half of its requests", ...load, servers: servers([{ failing: 0.5 }]) },
  {
    title: "one leaves after 10 s, another joins after 15 s, a third comes and goes",
    ...load,
    subject: "s1",
    servers: servers([{ untilMs: 10_000 }, { fromMs: 15_000 }, { fromMs: 8_000, untilMs: 20_000 }]),
  },
];
