/** A peer of a scenario: something that stands between the load generator and the upstream. */
import type { Bench } from "../processes.ts";

export interface RunningPeer {
  readonly version: string;
  readonly url: string;
  /** Every process whose CPU and memory count. */
  readonly pids: readonly number[];
}

export interface Peer {
  readonly name: string;
  /** Undefined where the peer's program is here, else what to install. */
  missing(): string | undefined;
  start(bench: Bench, upstreamPort: number): Promise<RunningPeer>;
}
