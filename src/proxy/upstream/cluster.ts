/**
 * What requests are balanced over: an immutable view of a cluster's usable endpoints, which knows only who took its place.
 * The endpoints in it are shared with the views before and after.
 */
import type { PreparedFaults, PreparedRequests, RetryBudget } from "../../decide/index.ts";
import { type Cluster, type ConnectionPolicy, Protocol, type SessionPersistence } from "../../model/index.ts";
import type { TcpKeepAlive } from "../../net/index.ts";
import type { HttpVersion } from "../http/index.ts";
import type { PickRequest } from "./balancer/index.ts";
import type { ConnectionLimits, UpstreamEndpoint } from "./endpoint.ts";
import { OriginTls } from "./origin-tls.ts";
import type { RequestLimit } from "./request-limit.ts";

interface Picker {
  readonly members: readonly UpstreamEndpoint[];
  /** Whether `pick` looks at its request. */
  readonly readsRequest: boolean;
  /** Undefined: none is left. */
  pick(
    nowUs: number,
    random: () => number,
    tried?: readonly UpstreamEndpoint[],
    request?: PickRequest,
  ): UpstreamEndpoint | undefined;
  /** The endpoint that a session names (`sessionId` of its workload), where it is fit and was not tried. */
  ofSession?(id: string, nowUs: number, tried?: readonly UpstreamEndpoint[]): UpstreamEndpoint | undefined;
}

export interface UpstreamCluster {
  readonly key: string;
  /** "namespace/name"; empty for a workload dialled directly. */
  readonly service: string;
  readonly port: number;
  readonly picker: Picker;
  /** Where the route has none of its own. */
  readonly faults: PreparedFaults | undefined;
  /** Where the route says nothing. */
  readonly session?: SessionPersistence | undefined;
  /** Of requests in flight. Absent: not bounded. */
  readonly requestLimit?: RequestLimit | undefined;
  /** Of raw TCP sessions. 0 or absent: the mesh's. */
  readonly tcpIdleTimeoutMs?: number;
  /** How its requests are carried where no rule says otherwise. */
  readonly requests: PreparedRequests;
  /** The view that took this one's place. Absent: this is the newest. */
  successor?: UpstreamCluster | undefined;
  /** Undefined: retries are not counted. */
  readonly retryBudget: RetryBudget | undefined;
  /** Which version of HTTP is spoken to an endpoint for a client that speaks `client`. */
  versionFor(client: HttpVersion, endpoint: UpstreamEndpoint, isGrpc: boolean): HttpVersion;
}

/** Of now: a request keeps the view that it started with until it needs another endpoint. */
export function newestView(cluster: UpstreamCluster): UpstreamCluster {
  let newest = cluster;
  while (newest.successor !== undefined) newest = newest.successor;
  return newest;
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
    case Protocol.UDP:
      return undefined;
  }
}

/** Takes the first that is not avoided: for places that are alternatives of one another rather than equals. */
export class OrderedPicker implements Picker {
  readonly members: readonly UpstreamEndpoint[];
  readonly readsRequest = false;

  constructor(members: readonly UpstreamEndpoint[]) {
    this.members = members;
  }

  pick(
    nowUs: number,
    _random: () => number,
    tried: readonly UpstreamEndpoint[] = [],
  ): UpstreamEndpoint | undefined {
    const left = this.members.filter((member) => !tried.includes(member));
    return left.find((member) => member.isFit(nowUs)) ?? left[0];
  }
}

// Defaults where a cluster says 0, which compile never writes; they keep a hand-made configuration bounded.
const defaultConnectTimeoutMs = 5_000;
/** Shorter than the time after which a peer proxy closes an idle connection from its side, so that the two never race. */
const defaultIdleTimeoutMs = 60_000;
const defaultMaxConnections = 1_024;
const defaultMaxPending = 1_024;
const defaultKeepAliveIdleMs = 7_200_000;
const defaultKeepAliveIntervalMs = 75_000;

export function clusterLimits(cluster: Cluster): ConnectionLimits {
  const { connections } = cluster;
  return {
    connectTimeoutMs: cluster.connectTimeoutMs || defaultConnectTimeoutMs,
    idleTimeoutMs: cluster.idleTimeoutMs || defaultIdleTimeoutMs,
    maxConnections: cluster.maxConnectionsPerEndpoint || defaultMaxConnections,
    maxPending: cluster.maxPendingRequests || defaultMaxPending,
    origin: cluster.tls && new OriginTls(cluster.tls),
    maxClusterConnections: connections?.maxConnections ?? 0,
    // Only where somebody asked for bounds: servers of raw TCP have thousands of connections as a matter of course.
    maxSessions: connections === undefined ? 0 : cluster.maxConnectionsPerEndpoint,
    maxRequestsPerConnection: connections?.maxRequestsPerConnection ?? 0,
    maxLifetimeMs: connections?.maxLifetimeMs ?? 0,
    keepAlive: connections === undefined ? undefined : tcpKeepAlive(connections),
  };
}

/** Where only one of the two is given, the other is as Linux has it, and it is on. */
function tcpKeepAlive(policy: ConnectionPolicy): TcpKeepAlive | undefined {
  const { keepAliveIdleMs, keepAliveIntervalMs } = policy;
  if (keepAliveIdleMs === 0 && keepAliveIntervalMs === 0) return undefined;
  return {
    idleMs: keepAliveIdleMs || defaultKeepAliveIdleMs,
    intervalMs: keepAliveIntervalMs || defaultKeepAliveIntervalMs,
  };
}

/** Whether connections that were opened under one are as the other wants them. */
export function sameLimits(a: ConnectionLimits, b: ConnectionLimits): boolean {
  return (
    a.connectTimeoutMs === b.connectTimeoutMs &&
    a.idleTimeoutMs === b.idleTimeoutMs &&
    a.maxConnections === b.maxConnections &&
    a.maxPending === b.maxPending &&
    a.maxClusterConnections === b.maxClusterConnections &&
    a.maxSessions === b.maxSessions &&
    a.maxRequestsPerConnection === b.maxRequestsPerConnection &&
    a.maxLifetimeMs === b.maxLifetimeMs &&
    a.keepAlive?.idleMs === b.keepAlive?.idleMs &&
    a.keepAlive?.intervalMs === b.keepAlive?.intervalMs &&
    a.origin?.key === b.origin?.key
  );
}

/** Defaults for places that no cluster describes. */
export const directLimits: ConnectionLimits = {
  connectTimeoutMs: defaultConnectTimeoutMs,
  idleTimeoutMs: defaultIdleTimeoutMs,
  maxConnections: defaultMaxConnections,
  maxPending: defaultMaxPending,
};
