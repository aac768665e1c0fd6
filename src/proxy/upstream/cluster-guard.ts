/**
 * What watches over one cluster's endpoints and bounds what is sent to them: outlier detection, health checks, limits.
 * Lives as long as the cluster does, across changes of its configuration; each part exists only while a policy wants it.
 */
import type { Clock } from "../../kernel/index.ts";
import type { Cluster } from "../../model/index.ts";
import { GradientLimit, gradientSettings } from "./concurrency/gradient-limit.ts";
import { ConnectionBudget } from "./connection-budget.ts";
import type { UpstreamEndpoint } from "./endpoint.ts";
import { ClusterChecks, type HealthListener } from "./health-check/cluster-checks.ts";
import { EndpointProber, type EndpointProberOptions } from "./health-check/endpoint-prober.ts";
import type { ProbeSlots } from "./health-check/probe-slots.ts";
import { healthCheckSettings } from "./health-check/settings.ts";
import type { HopDialer } from "./hop.ts";
import { type EjectionListener, OutlierDetector } from "./outlier/detector.ts";
import { outlierSettings } from "./outlier/settings.ts";
import { RequestLimit } from "./request-limit.ts";

/** Who hears of what is found. `cluster`: its key. */
export interface GuardListener {
  forCluster(cluster: string): EjectionListener & HealthListener;
}

export interface ClusterGuardOptions {
  readonly key: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly dialer: HopDialer;
  readonly slots: ProbeSlots;
  readonly listener: GuardListener;
}

export class ClusterGuard {
  /** Undefined: requests in flight are not bounded. */
  requests: RequestLimit | undefined = undefined;
  /** Undefined: connections of all endpoints together are not bounded. Made anew where the bound changes. */
  connections: ConnectionBudget | undefined = undefined;
  readonly #options: ClusterGuardOptions;
  readonly #listener: EjectionListener & HealthListener;
  #detector: OutlierDetector | undefined = undefined;
  #checks: ClusterChecks | undefined = undefined;

  constructor(options: ClusterGuardOptions) {
    this.#options = options;
    this.#listener = options.listener.forCluster(options.key);
  }

  /** Before endpoints are made of the cluster. */
  prepare(model: Cluster): void {
    const { maxRequests = 0, maxConnections = 0 } = model.connections ?? {};
    if (maxRequests === 0) this.requests = undefined;
    else if (this.requests === undefined) this.requests = new RequestLimit(maxRequests);
    else this.requests.max = maxRequests;
    if (maxConnections === 0) this.connections = undefined;
    else if (this.connections?.max !== maxConnections)
      this.connections = new ConnectionBudget(maxConnections);
  }

  /** The cluster's endpoints from now on. */
  follow(
    model: Cluster,
    members: readonly UpstreamEndpoint[],
    versionFor: (endpoint: UpstreamEndpoint) => ReturnType<EndpointProberOptions["version"]>,
  ): void {
    this.#followOutliers(model, members);
    this.#followConcurrency(model, members);
    this.#followHealth(model, members, versionFor);
  }

  /** Another process of ours has ejected the endpoint. */
  adoptEjection(endpoint: UpstreamEndpoint, untilUs: number): boolean {
    const nowUs = this.#options.clock.monotonicUs();
    return this.#detector?.adopt(endpoint, untilUs, nowUs) === true;
  }

  /** Every second. */
  sweep(): void {
    this.#detector?.tick(this.#options.clock.monotonicUs());
  }

  close(): void {
    this.#checks?.stop();
    this.#checks = undefined;
    this.#detector = undefined;
  }

  #followOutliers(model: Cluster, members: readonly UpstreamEndpoint[]): void {
    const settings = outlierSettings(model.outlier);
    if (settings === undefined) {
      this.#detector?.stop();
      this.#detector = undefined;
      return;
    }
    this.#detector ??= new OutlierDetector(settings, this.#listener, this.#options.clock.monotonicUs());
    this.#detector.follow(members, settings);
  }

  #followConcurrency(model: Cluster, members: readonly UpstreamEndpoint[]): void {
    const { concurrency } = model;
    if (concurrency === undefined) {
      for (const member of members) member.concurrency = undefined;
      return;
    }
    const settings = gradientSettings(concurrency);
    const priorityHeader = concurrency.priorityHeader.toLowerCase();
    const nowUs = this.#options.clock.monotonicUs();
    for (const member of members) {
      const limit = member.concurrency?.limit ?? new GradientLimit(settings, nowUs);
      limit.settings = settings;
      member.concurrency = { limit, priorityHeader };
    }
  }

  #followHealth(
    model: Cluster,
    members: readonly UpstreamEndpoint[],
    versionFor: (endpoint: UpstreamEndpoint) => ReturnType<EndpointProberOptions["version"]>,
  ): void {
    const settings = healthCheckSettings(model.healthCheck);
    if (settings === undefined) {
      this.#checks?.stop();
      this.#checks = undefined;
      return;
    }
    const { slots, clock, random, dialer } = this.#options;
    const host = `${model.service}.${model.namespace}`;
    this.#checks ??= new ClusterChecks({
      slots,
      clock,
      random,
      listener: this.#listener,
      prober: (endpoint) =>
        new EndpointProber(endpoint, { dialer, clock, host, version: () => versionFor(endpoint) }),
    });
    this.#checks.follow(members, settings);
  }
}
