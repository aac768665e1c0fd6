/**
 * What requests are balanced over: an immutable view of a cluster's usable endpoints. A request keeps the view that it
 * started with; the endpoints in it are shared with the views before and after.
 */
import { type Endpoint, Health, type Cluster } from "../../model/index.ts";
import { P2cBalancer } from "./balancer.ts";
import type { ConnectionLimits, UpstreamEndpoint } from "./endpoint.ts";

export interface Picker {
  readonly members: readonly UpstreamEndpoint[];
  /** Undefined: none is left. */
  pick(
    nowUs: number,
    random: () => number,
    tried?: readonly UpstreamEndpoint[],
  ): UpstreamEndpoint | undefined;
}

export interface UpstreamCluster {
  readonly key: string;
  /** "namespace/name"; empty for a workload dialled directly. */
  readonly service: string;
  readonly port: number;
  readonly picker: Picker;
}

/** Takes the first that is not avoided: for places that are alternatives of one another rather than equals. */
export class OrderedPicker implements Picker {
  readonly members: readonly UpstreamEndpoint[];

  constructor(members: readonly UpstreamEndpoint[]) {
    this.members = members;
  }

  pick(
    nowUs: number,
    _random: () => number,
    tried: readonly UpstreamEndpoint[] = [],
  ): UpstreamEndpoint | undefined {
    const left = this.members.filter((member) => !tried.includes(member));
    return left.find((member) => member.avoidUntilUs <= nowUs) ?? left[0];
  }
}

// Defaults where a cluster says 0, which compile never writes; they keep a hand-made configuration bounded.
const defaultConnectTimeoutMs = 5_000;
/** Shorter than the time after which a peer proxy closes an idle connection from its side, so that the two never race. */
const defaultIdleTimeoutMs = 60_000;
const defaultMaxConnections = 1_024;
const defaultMaxPending = 1_024;

export function clusterLimits(cluster: Cluster): ConnectionLimits {
  return {
    connectTimeoutMs: cluster.connectTimeoutMs || defaultConnectTimeoutMs,
    idleTimeoutMs: cluster.idleTimeoutMs || defaultIdleTimeoutMs,
    maxConnections: cluster.maxConnectionsPerEndpoint || defaultMaxConnections,
    maxPending: cluster.maxPendingRequests || defaultMaxPending,
  };
}

/** Defaults for places that no cluster describes. */
export const directLimits: ConnectionLimits = {
  connectTimeoutMs: defaultConnectTimeoutMs,
  idleTimeoutMs: defaultIdleTimeoutMs,
  maxConnections: defaultMaxConnections,
  maxPending: defaultMaxPending,
};

/** Healthy ones; where there are none, unhealthy before draining ones: a bad chance is better than a sure refusal. */
export function balanceUsable(members: readonly UpstreamEndpoint[]): Picker {
  for (const tier of healthTiers) {
    const usable = members.filter(
      (member) => tier.includes(member.endpoint.health) && hasWeight(member.endpoint),
    );
    if (usable.length > 0) return new P2cBalancer(usable);
  }
  return new P2cBalancer<UpstreamEndpoint>([]);
}

const healthTiers: readonly (readonly Health[])[] = [
  [Health.UNSPECIFIED, Health.HEALTHY],
  [Health.UNHEALTHY],
  [Health.DRAINING],
];

function hasWeight(endpoint: Endpoint): boolean {
  return endpoint.weight > 0;
}
