/**
 * One endpoint of one cluster as this proxy knows it: its connections, how fast it answers, whether it just failed.
 * Lives as long as the same place is meant, across changes of weight or health; keyed by (cluster, endpoint), never by
 * bare address.
 */
import type { Clock, ReasonCode } from "../../kernel/index.ts";
import { type Endpoint, Tunnel } from "../../model/index.ts";
import type { ConnectFailure, Connection, PendingConnect, TcpKeepAlive } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import { type BalancerMember, PeakEwma, Warmth } from "./balancer/index.ts";
import { type EndpointConcurrency, refusal } from "./concurrency/endpoint-concurrency.ts";
import type { ConnectionBudget } from "./connection-budget.ts";
import type { HopDialer, HopTarget } from "./hop.ts";
import { EndpointPools } from "./endpoint-pools.ts";
import type { PoolWaiter } from "./http-upstream.ts";
import type { EndpointOutcomes, OutlierMember } from "./outlier/endpoint-outcomes.ts";
import type { OriginTls } from "./origin-tls.ts";

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxPending: number;
  /** TLS with the endpoint itself, where there is no tunnel. */
  readonly origin?: OriginTls | undefined;
  /** Of all endpoints of the cluster together. 0 or absent: no bound; the same for the next three. */
  readonly maxClusterConnections?: number;
  /** Of raw TCP, at one endpoint. */
  readonly maxSessions?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxLifetimeMs?: number;
  /** Of TCP. Absent: off. */
  readonly keepAlive?: TcpKeepAlive | undefined;
}

/** After a failed connect the endpoint stands back for half a second, doubling to ten: long enough to spare callers, short enough to notice a restart. */
const firstAvoidanceUs = 500_000;
const maxAvoidanceUs = 10_000_000;

export class UpstreamEndpoint implements BalancerMember, OutlierMember {
  target: HopTarget;
  readonly pool: EndpointPools;
  latency = new PeakEwma();
  /** "namespace/name" */
  readonly workload: string;
  /** Of the service; the application's own is `target.port`. */
  readonly servicePort: number;
  inFlight = 0;
  /** A connect failed; see `recordConnectFailure`. */
  avoidUntilUs = 0;
  /** Clock time in microseconds until which outlier detection has taken it out; 0: it has not. */
  ejectedUntilUs = 0;
  /** Active health checks have found it unhealthy. */
  isProbedUnhealthy = false;
  /** What came of its tries. Undefined: nobody looks at that. */
  outcomes: EndpointOutcomes | undefined = undefined;
  /** Undefined: requests in flight are bounded by connections alone. */
  concurrency: EndpointConcurrency | undefined = undefined;
  warmth = new Warmth();
  slot = 0;
  /** Newest form; the place that it names is the same as when this was made. */
  endpoint: Endpoint;
  /** Telemetry handles by route and protocol, kept by whoever records. */
  readonly edges = new Map<string, EdgeSeries>();
  readonly #limits: ConnectionLimits;
  readonly #dialer: HopDialer;
  readonly #budget: ConnectionBudget | undefined;
  #failures = 0;
  #place: string | undefined = undefined;

  constructor(
    endpoint: Endpoint,
    service: { readonly name: string; readonly port: number },
    options: {
      limits: ConnectionLimits;
      dialer: HopDialer;
      clock: Clock;
      /** The cluster's. Absent: its connections are not bounded. */
      budget?: ConnectionBudget | undefined;
    },
  ) {
    this.endpoint = endpoint;
    this.workload = endpoint.workload;
    this.servicePort = service.port;
    this.#limits = options.limits;
    this.#dialer = options.dialer;
    this.#budget = options.budget;
    this.target = {
      address: endpoint.address,
      port: endpoint.port,
      tunnel: endpoint.tunnel,
      tunnelAddress: endpoint.tunnelAddress,
      tunnelPort: endpoint.tunnelPort,
      identity: endpoint.identity,
      service: service.name,
      origin: options.limits.origin,
      keepAlive: options.limits.keepAlive,
    };
    this.pool = new EndpointPools({
      dial: (version, done) => this.dial(version === 2 ? SessionProtocol.HTTP2 : SessionProtocol.HTTP1, done),
      currentIdentity: () => (this.isTunnelled ? options.dialer.identity : undefined),
      clock: options.clock,
      codecs: options.dialer.limits,
      maxConnections: options.limits.maxConnections,
      maxPending: options.limits.maxPending,
      idleTimeoutMs: options.limits.idleTimeoutMs,
      maxRequestsPerConnection: options.limits.maxRequestsPerConnection ?? 0,
      maxLifetimeMs: options.limits.maxLifetimeMs ?? 0,
      budget: options.budget,
      refusal: (waiter) => this.#refusal(waiter),
    });
  }

  /** What hash tables place it by. */
  get key(): string {
    return this.workload;
  }

  /** Address and port. Kept, since it is told of every request. */
  get place(): string {
    this.#place ??= `${this.target.address}:${this.target.port}`;
    return this.#place;
  }

  get weight(): number {
    return this.endpoint.weight;
  }

  get isTunnelled(): boolean {
    return this.target.tunnel !== Tunnel.NONE;
  }

  /**
   * A connection of its own, outside the pool. Raw TCP is the client's affair, so it is encrypted only where it was
   * decrypted here (`isDecrypted`), or where the cluster says so. `traceParent`: told to a peer proxy; absent: nothing.
   */
  dial(
    protocol: SessionProtocol,
    done: (result: Connection | ConnectFailure) => void,
    options: { readonly isDecrypted?: boolean | undefined; readonly traceParent?: string | undefined } = {},
  ): PendingConnect {
    const isHttp = protocol === SessionProtocol.HTTP1 || protocol === SessionProtocol.HTTP2;
    const { isDecrypted = isHttp, traceParent } = options;
    const { origin } = this.target;
    const keepsOrigin = isDecrypted || origin === undefined || origin.encryptsBytes;
    const own = keepsOrigin ? this.target : this.#rawTarget();
    const target = traceParent === undefined ? own : { ...own, traceParent };
    return this.#dialer.dial(target, protocol, this.#limits.connectTimeoutMs, done);
  }

  /** For connections from now on. */
  changeOrigin(origin: OriginTls | undefined): void {
    this.target = { ...this.target, origin };
    this.pool.dropIdle();
  }

  #rawTarget(): HopTarget {
    return { ...this.target, origin: undefined };
  }

  /** Neither avoided, ejected nor probed as unhealthy. */
  isFit(nowUs: number): boolean {
    return this.avoidUntilUs <= nowUs && this.ejectedUntilUs <= nowUs && !this.isProbedUnhealthy;
  }

  /** The head of an answer has come. */
  recordLatency(latencyUs: number, nowUs: number): void {
    this.latency.observe(latencyUs, nowUs);
    this.outcomes?.recordLatency(latencyUs);
    this.concurrency?.limit.observe(latencyUs, nowUs);
  }

  /** What it answered. `status`: of HTTP, or what a gRPC status stands for (`statusOfGrpc`). */
  recordStatus(status: number, nowUs: number): void {
    if (status >= 500) this.latency.observeFailure(status >= 502 && status <= 504, nowUs);
    this.outcomes?.recordStatus(status, nowUs);
  }

  /** It reset the connection or stream before its answer, or was silent for too long. */
  recordLocalFailure(nowUs: number): void {
    this.outcomes?.recordLocalFailure(nowUs);
    this.concurrency?.limit.observeLoss();
  }

  /** Its proxy says that it has too much to do. */
  recordOverload(): void {
    this.concurrency?.limit.observeLoss();
  }

  recordConnectFailure(nowUs: number): void {
    // Many requests that waited for one connect fail together: that is one failure.
    if (this.avoidUntilUs > nowUs) return;
    this.outcomes?.recordLocalFailure(nowUs);
    this.avoidUntilUs = nowUs + Math.min(maxAvoidanceUs, firstAvoidanceUs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 8);
  }

  recordConnected(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.avoidUntilUs = 0;
  }

  /** A connection of TCP stands, which is all the success that it will show. */
  recordSession(): void {
    this.recordConnected();
    this.outcomes?.recordConnected();
  }

  /** Why a TCP session may not be opened here now; else it counts until `closeSession`. */
  openSession(): ReasonCode | undefined {
    const { maxSessions = 0 } = this.#limits;
    if (maxSessions > 0 && this.inFlight >= maxSessions) return "pool_exhausted";
    if (this.#budget?.takeAtOnce() === false) return "cluster_limit";
    this.inFlight++;
    return undefined;
  }

  closeSession(): void {
    this.inFlight--;
    this.#budget?.release();
  }

  /** Takes over what is known of the same place, but for its connections. */
  inherit(before: UpstreamEndpoint): void {
    this.latency = before.latency;
    this.warmth = before.warmth;
    this.avoidUntilUs = before.avoidUntilUs;
    this.ejectedUntilUs = before.ejectedUntilUs;
    this.#failures = before.#failures;
  }

  /** Whether `other` names the same place, so that connections and history stay valid. */
  isSamePlace(other: Endpoint): boolean {
    const target = this.target;
    return (
      other.address === target.address &&
      other.port === target.port &&
      other.tunnel === target.tunnel &&
      other.tunnelAddress === target.tunnelAddress &&
      other.tunnelPort === target.tunnelPort &&
      other.identity === target.identity
    );
  }

  close(): void {
    this.pool.close();
  }

  #refusal(waiter: PoolWaiter): ReasonCode | undefined {
    return this.concurrency === undefined ? undefined : refusal(this.concurrency, this.inFlight, waiter.head);
  }
}
