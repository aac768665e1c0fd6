/** What a proxy is put together from. */
import type { PreparedTelemetry } from "../decide/telemetry/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { FilterFactories } from "./admission/index.ts";
import type { Agent } from "./agent/index.ts";
import type { ListenAddress, ProxyBootstrap } from "./bootstrap.ts";
import type { ListenSharing } from "./serve/listen-sharing.ts";
import type { TrafficObserver } from "./observation/index.ts";
import type { DestinationOf } from "./serve/server.ts";

/** What of a bootstrap still matters once there is an agent. */
export interface ProxyPlan
  extends Pick<
    ProxyBootstrap,
    "role" | "workload" | "capture" | "tunnel" | "application" | "gateway" | "dnsUpstreams" | "accessLogFile"
  > {
  /** Absent or empty: what connections were seen to speak is kept in memory only. */
  readonly dataDir?: string;
  /** Absent: not opened. */
  readonly admin?: ListenAddress;
  readonly health?: ListenAddress;
  /** Set: other processes of ours listen on the same ports. */
  readonly sharing?: ListenSharing;
  /** So many of ours are this proxy together; absent: one. */
  readonly processes?: number;
  /** Another process of ours answers names. */
  readonly hasNoDns?: boolean;
}

export interface ProxyParts {
  readonly bootstrap: ProxyPlan;
  readonly agent: Agent;
  readonly clock: Clock;
  readonly log: Log;
  /** Where a redirected connection was going; default: what the kernel says. Given where nothing can be redirected. */
  readonly destinationOf?: DestinationOf;
  /** Other filters than there are: for tests. */
  readonly filters?: FilterFactories;
  /** Told of what ends, beside those that the configuration wants: for tests. */
  readonly observers?: readonly TrafficObserver[];
  /** What is told of traffic, until a configuration says so. Absent: the defaults. */
  readonly telemetry?: PreparedTelemetry;
}
