/** The scenarios of docs/balancing.md over real sockets: weft beside Envoy, one after another, in rounds. */
import { Bench, freePort } from "../processes.ts";
import { startProgram } from "../programs/start.ts";
import { type BalancingPeer, envoyPeer, weftPeer } from "./peers.ts";

export interface Measured {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly lost: number;
  /** Of the requests, what the endpoint got that the scenario is about. */
  readonly share: number;
}

interface SocketScenario {
  readonly title: string;
  readonly slowFactor: number;
  readonly failing: number;
  /** Endpoints come and go. */
  readonly churns: boolean;
}

const count = 10;
const addresses = Array.from({ length: count }, (_, index) => `127.0.0.${11 + index}`);
const requestsPerSecond = 400;
const warmUpSeconds = 2;
const seconds = 8;
const churnMs = 500;

export const socketScenarios: readonly SocketScenario[] = [
  { title: "one is 10 times slower", slowFactor: 10, failing: 0, churns: false },
  { title: "one fails half of its requests", slowFactor: 1, failing: 0.5, churns: false },
  { title: "one joins or leaves every half second", slowFactor: 1, failing: 0, churns: true },
];

export const balancingPeers: readonly BalancingPeer[] = [
  weftPeer,
  envoyPeer("Envoy, least request", "LEAST_REQUEST"),
  envoyPeer("Envoy, round robin", "ROUND_ROBIN"),
];

export async function measure(peer: BalancingPeer, scenario: SocketScenario): Promise<Measured> {
  await using bench = Bench.open();
  const port = freePort();
  const { slowFactor, failing } = scenario;
  const server = startProgram(bench, "uneven-server", { port, count, serviceMs: 5, slowFactor, failing });
  await server.listening(port, addresses.at(-1));
  const running = await peer.start(bench, { addresses, port });
  const load = startProgram(
    bench,
    "paced-load",
    { port: running.port, requestsPerSecond, warmUpSeconds, seconds, subject: 11 },
    "pipe",
  );
  let turn = 0;
  const churn = setInterval(() => {
    if (!scenario.churns) return;
    turn++;
    running.setAddresses(turn % 2 === 0 ? addresses : addresses.toSpliced(turn % count, 1));
  }, churnMs);
  try {
    return readMeasured(await load.output());
  } finally {
    clearInterval(churn);
  }
}

function readMeasured(text: string): Measured {
  const values = new Map<string, unknown>(Object.entries(Object(JSON.parse(text))));
  const number = (name: keyof Measured): number => Number(values.get(name));
  return {
    requests: number("requests"),
    p50Ms: number("p50Ms"),
    p99Ms: number("p99Ms"),
    failed: number("failed"),
    lost: number("lost"),
    share: number("share"),
  };
}
