/**
 * What requests are balanced over: an immutable view of a cluster's usable endpoints. A request keeps the view that it
 * started with; the endpoints in it are shared with the views before and after.
 */
import { type Cluster, type Endpoint, Health, Protocol } from "../../model/index.ts";
import type { HttpVersion } from "../http/index.ts";
import { P2cBalancer } from "./balancer.ts";
import type { ConnectionLimits, UpstreamEndpoint } from "./endpoint.ts";
import { OriginTls } from "./origin-tls.ts";

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
  /** Which version of HTTP is spoken to an endpoint for a client that speaks `client`. */
  versionFor(client: HttpVersion, endpoint: UpstreamEndpoint, isGrpc: boolean): HttpVersion;
}

/**
 * To a peer proxy a request goes as it came: the peer knows best what its application speaks. To the endpoint itself in
 * what is declared for it; where nothing is, in the client's version if the client chose that for this very server
 * (`undeclared: "client"`) or the request is gRPC's, else in HTTP/1.1, which every server speaks.
 */
export function versionRule(
  declared: Protocol,
  undeclared: "client" | "http1",
): UpstreamCluster["versionFor"] {
  const direct = declaredVersion(declared);
  return (client, endpoint, isGrpc) => {
    if (endpoint.isTunnelled) return client;
    return direct ?? (undeclared === "client" || isGrpc ? client : 1);
  };
}

function declaredVersion(declared: Protocol): HttpVersion | undefined {
  switch (declared) {
    case Protocol.HTTP:
      return 1;
    case Protocol.HTTP2:
    case Protocol.GRPC:
      return 2;
    case Protocol.UNSPECIFIED:
    case Protocol.TCP:
    case Protocol.TLS:
      return undefined;
  }
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
    origin: cluster.tls && new OriginTls(cluster.tls),
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
