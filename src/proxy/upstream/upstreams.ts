/**
 * All upstreams of one local workload: clusters as the newest snapshot has them, and workloads dialled directly. What
 * did not change keeps its connections and its history; what went lets its connections go.
 */
import type { Clock } from "../../kernel/index.ts";
import { create } from "@bufbuild/protobuf";
import {
  layRequests,
  type Place,
  PreparedFaults,
  type PreparedRequests,
  requestDefaults,
  RetryBudget,
  splitByHealth,
} from "../../decide/index.ts";
import {
  type Cluster,
  type Endpoint,
  EndpointSchema,
  Health,
  type Inbound,
  Protocol,
  type WorkloadTarget,
} from "../../model/index.ts";
import type { Snapshot } from "../agent/index.ts";
import type { NameResolver } from "../dns/index.ts";
import { ClusterPicker } from "./balancer/index.ts";
import { budgetOf } from "./budget-of.ts";
import {
  clusterLimits,
  directLimits,
  OrderedPicker,
  sameLimits,
  type UpstreamCluster,
  versionRule,
} from "./cluster.ts";
import { DnsEndpoints } from "./dns-endpoints.ts";
import type { ConnectionBudget } from "./connection-budget.ts";
import type { ClusterGuard, GuardListener } from "./cluster-guard.ts";
import { type ConnectionLimits, UpstreamEndpoint } from "./endpoint.ts";
import { Guards, noGuardListener } from "./guards.ts";
import type { HopDialer } from "./hop.ts";
import { OriginalDestinations, type OriginalPlace } from "./original-destinations.ts";

interface ClusterState {
  readonly model: Cluster;
  readonly endpoints: readonly Endpoint[];
  readonly byWorkload: ReadonlyMap<string, UpstreamEndpoint>;
  readonly own: Place;
  readonly picker: ClusterPicker<UpstreamEndpoint>;
  readonly view: UpstreamCluster;
  readonly guard: ClusterGuard;
}

interface DirectState {
  readonly target: WorkloadTarget;
  readonly endpoint: UpstreamEndpoint;
  readonly view: UpstreamCluster;
  lastUsedMs: number;
}

/** Workloads dialled by their own address: more than these at once is a scan, not an application. */
const maxDirect = 1_024;
const directIdleMs = 120_000;
const nowhere: Place = { region: "", zone: "" };

export interface UpstreamsOptions {
  readonly listener?: GuardListener;
  readonly random?: () => number;
  readonly place?: Place;
  readonly resolver?: NameResolver;
}

export class Upstreams {
  readonly #dialer: HopDialer;
  readonly #clock: Clock;
  readonly #undeclared: "client" | "http1";
  readonly #guards: Guards;
  readonly #requestDefaults: PreparedRequests;
  readonly #configuredPlace: Place;
  #own: Place;
  #clusters = new Map<string, ClusterState>();
  readonly #direct = new Map<string, DirectState>();
  readonly #dns: DnsEndpoints | undefined;
  readonly #originals: OriginalDestinations<ClusterState>;

  /**
   * `undeclared`: which version of HTTP an endpoint without a declared one gets (`versionRule`); gateways say HTTP/1.1.
   * `place`: where this proxy runs, as long as its own workload's configuration says nothing of it. Without a resolver,
   * names lead nowhere.
   */
  constructor(
    dialer: HopDialer,
    clock: Clock,
    undeclared: "client" | "http1",
    options: UpstreamsOptions = {},
  ) {
    this.#dialer = dialer;
    this.#clock = clock;
    this.#undeclared = undeclared;
    this.#requestDefaults = requestDefaults[undeclared === "http1" ? "gateway" : "sidecar"];
    const { listener = noGuardListener, random = Math.random, place = nowhere, resolver } = options;
    this.#guards = new Guards({ dialer, clock, random, listener });
    this.#configuredPlace = place;
    this.#own = place;
    this.#dns = resolver && new DnsEndpoints(resolver, (key, endpoints) => this.#rediscover(key, endpoints));
    this.#originals = new OriginalDestinations(clock, {
      prepare: (key, model, endpoint) => this.#prepare(key, model, [endpoint], undefined),
      onEnd: (key) => this.#guards.drop(key),
    });
  }

  /** Where this proxy runs. */
  get place(): Place {
    return this.#own;
  }

  cluster(key: string): UpstreamCluster | undefined {
    return this.#clusters.get(key)?.view;
  }

  clusters(): UpstreamCluster[] {
    return [...this.#clusters.values()].map((state) => state.view);
  }

  applySnapshot(snapshot: Snapshot): void {
    const next = new Map<string, ClusterState>();
    this.#own = placeOf(snapshot.inbound, this.#own) ?? this.#configuredPlace;
    for (const key of snapshot.clusterKeys()) {
      const model = snapshot.cluster(key);
      if (model === undefined) continue;
      const listed = snapshot.endpoints(key);
      const endpoints = model.dns === undefined ? listed : (this.#dns?.of(key, model, listed) ?? listed);
      const before = this.#clusters.get(key);
      const isSame =
        before !== undefined &&
        before.model === model &&
        before.endpoints === endpoints &&
        before.own === this.#own;
      next.set(key, isSame ? before : this.#prepare(key, model, endpoints, before));
    }
    const previous = this.#clusters;
    this.#clusters = next;
    for (const [key, state] of previous) {
      if (next.has(key)) continue;
      this.#dns?.forget(key);
      this.#originals.forget(key);
      this.#guards.drop(key);
      for (const endpoint of state.byWorkload.values()) endpoint.close();
    }
  }

  /**
   * The cluster; where that goes to its clients' original destinations, the one of this destination. Undefined: there is
   * none, or too many at once.
   */
  toward(key: string, destination: OriginalPlace): UpstreamCluster | undefined {
    const state = this.#clusters.get(key);
    return state?.model.original === undefined
      ? state?.view
      : this.#originals.get(key, state.model, destination);
  }

  /** The workload's own address was dialled. Undefined: too many at once. */
  direct(target: WorkloadTarget, address: string, port: number): UpstreamCluster | undefined {
    const key = `${target.workload} ${address}:${port}`;
    const known = this.#direct.get(key);
    if (known !== undefined && known.target === target) {
      known.lastUsedMs = this.#clock.nowMs();
      return known.view;
    }
    known?.endpoint.close();
    this.#direct.delete(key);
    if (this.#direct.size >= maxDirect) return undefined;
    const state = this.#prepareDirect(target, address, port);
    this.#direct.set(key, state);
    return state.view;
  }

  /** Every second: idle connections, turned-over certificates, names, workloads that nobody dials any more. */
  sweep(): void {
    const nowMs = this.#clock.nowMs();
    this.#dns?.sweep((key, workload) => isUsed(this.#clusters.get(key)?.byWorkload.get(workload)));
    this.#guards.sweep();
    for (const state of this.#clusters.values()) {
      for (const endpoint of state.byWorkload.values()) endpoint.pool.sweep(nowMs);
    }
    this.#originals.sweep();
    for (const [key, state] of this.#direct) {
      state.endpoint.pool.sweep(nowMs);
      if (nowMs - state.lastUsedMs < directIdleMs || state.endpoint.inFlight > 0) continue;
      state.endpoint.close();
      this.#direct.delete(key);
    }
  }

  close(): void {
    this.#dns?.close();
    this.#originals.close();
    this.#guards.close();
    for (const state of this.#clusters.values()) {
      for (const endpoint of state.byWorkload.values()) endpoint.close();
    }
    for (const state of this.#direct.values()) state.endpoint.close();
    this.#clusters = new Map();
    this.#direct.clear();
  }

  /** Another process of ours has ejected the endpoint: so do we, while not too many are out. Undefined: it was no news. */
  adoptEjection(cluster: string, workload: string, untilUs: number): UpstreamEndpoint | undefined {
    const state = this.#clusters.get(cluster);
    const endpoint = state?.byWorkload.get(workload);
    if (endpoint === undefined || state?.guard.adoptEjection(endpoint, untilUs) !== true) return undefined;
    return endpoint;
  }

  *endpoints(): Generator<UpstreamEndpoint> {
    for (const state of this.#clusters.values()) yield* state.byWorkload.values();
    for (const state of this.#direct.values()) yield state.endpoint;
    yield* this.#originals.endpoints();
  }

  /** A cluster's names lead elsewhere. */
  #rediscover(key: string, endpoints: readonly Endpoint[]): void {
    const before = this.#clusters.get(key);
    if (before !== undefined) this.#clusters.set(key, this.#prepare(key, before.model, endpoints, before));
  }

  #prepare(
    key: string,
    model: Cluster,
    endpoints: readonly Endpoint[],
    before: ClusterState | undefined,
  ): ClusterState {
    const limits = clusterLimits(model);
    const guard = this.#guards.of(key);
    guard.prepare(model);
    // New limits mean new pools: rare enough that carrying connections over is not worth its complexity. What is known of
    // the places is, or those that are known to be down would be asked again.
    const reusable =
      before !== undefined && sameLimits(clusterLimits(before.model), limits) ? before.byWorkload : undefined;
    const service = { name: `${model.namespace}/${model.service}`, port: model.port };
    const byWorkload = new Map<string, UpstreamEndpoint>();
    for (const endpoint of endpoints) {
      const known = reusable?.get(endpoint.workload);
      if (known?.isSamePlace(endpoint) === true) {
        known.endpoint = endpoint;
        // It is about to close them: going first leaves no request on a connection that closes under it.
        if (endpoint.health === Health.DRAINING) known.pool.dropIdle();
        byWorkload.set(endpoint.workload, known);
      } else {
        const made = this.#endpoint(endpoint, service, { limits, budget: guard.connections });
        const same = before?.byWorkload.get(endpoint.workload);
        if (same?.isSamePlace(endpoint) === true) made.inherit(same);
        byWorkload.set(endpoint.workload, made);
      }
    }
    for (const [workload, known] of before?.byWorkload ?? []) {
      if (byWorkload.get(workload) !== known) known.close();
    }
    const own = this.#own;
    const picker = new ClusterPicker(
      splitByHealth([...byWorkload.values()]),
      { balancing: model.balancing, locality: model.locality, own },
      this.#clock.monotonicUs(),
      before?.picker,
    );
    const versionFor = versionRule(model.protocol, this.#undeclared);
    const faults = before?.model === model ? before.view.faults : PreparedFaults.prepare(model.faults);
    const requests = layRequests(model.requests, this.#requestDefaults);
    const retryBudget = budgetOf(model, before?.view.retryBudget);
    guard.follow(model, [...byWorkload.values()], (endpoint) => versionFor(1, endpoint, false));
    const view: UpstreamCluster = {
      key,
      service: service.name,
      port: model.port,
      picker,
      faults,
      session: model.session,
      versionFor,
      requests,
      retryBudget,
      requestLimit: guard.requests,
      tcpIdleTimeoutMs: model.connections?.tcpIdleTimeoutMs ?? 0,
    };
    if (before !== undefined) before.view.successor = view;
    return { model, endpoints, byWorkload, own, picker, view, guard };
  }

  #prepareDirect(target: WorkloadTarget, address: string, port: number): DirectState {
    const endpoint = this.#endpoint(
      create(EndpointSchema, {
        workload: target.workload,
        address,
        port,
        identity: target.identity,
        tunnel: target.tunnel,
        tunnelAddress: target.tunnelAddress,
        tunnelPort: target.tunnelPort,
        weight: 1,
        version: target.labels["app.kubernetes.io/version"] ?? target.labels["version"] ?? "",
      }),
      { name: "", port },
      { limits: directLimits },
    );
    const declared = target.ports.find((entry) => entry.port === port)?.protocol ?? Protocol.UNSPECIFIED;
    const versionFor = versionRule(declared, this.#undeclared);
    const view = {
      key: target.workload,
      service: "",
      port,
      picker: new OrderedPicker([endpoint]),
      faults: undefined,
      versionFor,
      requests: this.#requestDefaults,
      retryBudget: new RetryBudget(undefined),
    };
    return { target, endpoint, view, lastUsedMs: this.#clock.nowMs() };
  }

  #endpoint(
    endpoint: Endpoint,
    service: { readonly name: string; readonly port: number },
    options: { readonly limits: ConnectionLimits; readonly budget?: ConnectionBudget | undefined },
  ): UpstreamEndpoint {
    return new UpstreamEndpoint(endpoint, service, {
      ...options,
      dialer: this.#dialer,
      clock: this.#clock,
    });
  }
}

/** Undefined: the workload's configuration does not say it. `before`: the same object where nothing changed. */
function placeOf(inbound: Inbound | undefined, before: Place): Place | undefined {
  if (inbound === undefined || (inbound.region === "" && inbound.zone === "")) return undefined;
  const { region, zone } = inbound;
  return region === before.region && zone === before.zone ? before : { region, zone };
}

function isUsed(endpoint: UpstreamEndpoint | undefined): boolean {
  return endpoint !== undefined && (endpoint.inFlight > 0 || endpoint.pool.openConnections > 0);
}
