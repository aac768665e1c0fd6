/** A peer of a scenario: something that stands between the load generator and the upstream. */
import type { BenchCertificates } from "../certificates.ts";
import type { Bench } from "../processes.ts";

/** What a peer is asked to do; each has its own configuration. */
export type Work =
  | "http1"
  | "http1-tls"
  | "http2"
  | "grpc"
  | "tcp"
  | "routes"
  | "policies"
  | "http1-mtls-pair"
  | "tcp-mtls-pair";

export interface PeerTask {
  readonly work: Work;
  readonly upstreamPort: number;
  readonly certificates: BenchCertificates;
  /** Of the work `routes` only. */
  readonly routes: number;
  /** Of the work `policies` only: how many policy objects. */
  readonly policies: number;
  /** How many clients come at once. */
  readonly connections: number;
}

export interface RunningPeer {
  readonly version: string;
  /** Where the load goes, on 127.0.0.1. */
  readonly port: number;
  /** Every process whose CPU and memory count; what they start counts too. */
  readonly pids: readonly number[];
  /** Where its metrics are scraped, and how the number of its routes changes while it runs: of the work `routes` only. */
  readonly metricsUrl?: string;
  applyRoutes?(count: number): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** Undefined where the peer's program is here, else what to install. */
  missing(): string | undefined;
  /** Resolves when it takes connections. Its programs and files belong to `bench`. */
  start(bench: Bench, task: PeerTask): Promise<RunningPeer>;
}
