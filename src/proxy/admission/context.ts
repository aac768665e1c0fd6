/** What filters get of their proxy: time, clusters, counters. They know no exchange, listener or agent. */
import type { Clock, Log } from "../../kernel/index.ts";
import type { Mesh } from "../../model/index.ts";
import type { TimerWheel } from "../../net/index.ts";
import type { RequestLimit, UpstreamCluster } from "../upstream/index.ts";

export interface AdmissionContext {
  readonly clock: Clock;
  /** For deadlines; 10 ms fine. */
  readonly wheel: TimerWheel;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** "namespace/name" of this proxy's workload or gateway. */
  readonly workload: string;
  /** Processes of this proxy that share its traffic and no memory: a limit of its own is divided by this. At least 1. */
  readonly processes: number;
  /** Of the newest configuration. */
  mesh(): Mesh | undefined;
  /** By its key, of the newest configuration; undefined: not there (yet). For `startUnaryCall` and `openStream`. */
  cluster(key: string): UpstreamCluster | undefined;
  readonly metrics: AdmissionMetrics;
  /** Of this proxy, over all policies; at most `maxQuestionsInFlight` of `external/`. */
  readonly externalQuestions: RequestLimit;
}

/** Counters of what filters ask others; what policies did is told by `FilteredExchange.note`. */
export interface AdmissionMetrics {
  /** `kind`: "ext_authz", "rate_limit_service", "redis", …; `outcome`: "ok", "denied", "failed", "timed_out", … Few of each. */
  asked(kind: string, outcome: string): void;
  /** A token was looked at: "valid", "missing", or what was wrong with it. */
  token(outcome: string): void;
}
