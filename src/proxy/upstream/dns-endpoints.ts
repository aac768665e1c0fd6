/**
 * Endpoints of clusters whose places are names: one for each address of a name, or, as long as nothing is known of it, one
 * whose address is the name itself, which is then looked up by whoever dials it. An address keeps its endpoint, and so its
 * connections and its history, from one answer to the next. Names are looked up again only while connections to them are
 * open: what nobody uses goes back to being a name.
 */
import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  type DnsHost,
  type Endpoint,
  EndpointSchema,
  Health,
  Tunnel,
} from "../../model/index.ts";
import type { NameResolver, ResolvedName } from "../dns/index.ts";

interface HostState {
  readonly host: DnsHost;
  /** Undefined: the name itself. */
  shown: ResolvedName | undefined;
  /** Connections to its addresses are open, when last looked at. */
  isUsed: boolean;
}

interface ClusterNames {
  readonly model: Cluster;
  readonly configured: readonly Endpoint[];
  readonly hosts: readonly HostState[];
  endpoints: readonly Endpoint[];
}

/** Has many divisors, so that most hosts' weights can be shared out among their addresses exactly. */
const weightFactor = 840;

export class DnsEndpoints {
  readonly #resolver: NameResolver;
  readonly #onChange: (cluster: string, endpoints: readonly Endpoint[]) => void;
  readonly #clusters = new Map<string, ClusterNames>();
  readonly #stop: () => void;

  /** `onChange`: the cluster has these endpoints from now on. */
  constructor(resolver: NameResolver, onChange: (cluster: string, endpoints: readonly Endpoint[]) => void) {
    this.#resolver = resolver;
    this.#onChange = onChange;
    this.#stop = resolver.onLookup((name) => this.#onLookup(name));
  }

  /** With those that the configuration lists. The same array as before where nothing has changed. */
  of(key: string, model: Cluster, configured: readonly Endpoint[]): readonly Endpoint[] {
    const known = this.#clusters.get(key);
    if (known?.model === model && known.configured === configured) return known.endpoints;
    const hosts = (model.dns?.hosts ?? []).map((host): HostState => {
      const before = known?.hosts.find((each) => each.host.name === host.name);
      this.#resolver.refresh(host.name);
      const state = { host, shown: undefined, isUsed: before?.isUsed ?? false };
      return { ...state, shown: this.#choose(state) };
    });
    const state = { model, configured, hosts, endpoints: endpointsOf(key, configured, hosts) };
    this.#clusters.set(key, state);
    return state.endpoints;
  }

  /** Every second. `isUsed`: connections to the endpoint are open. */
  sweep(isUsed: (cluster: string, workload: string) => boolean): void {
    for (const [key, cluster] of this.#clusters) {
      for (const state of cluster.hosts) {
        state.isUsed = workloadsOf(cluster.model, state).some((workload) => isUsed(key, workload));
        if (state.isUsed) this.#resolver.refresh(state.host.name);
      }
      this.#update(key, cluster);
    }
  }

  /** The configuration no longer holds the cluster. */
  forget(key: string): void {
    this.#clusters.delete(key);
  }

  close(): void {
    this.#stop();
    this.#clusters.clear();
  }

  #onLookup(name: string): void {
    for (const [key, cluster] of this.#clusters) {
      if (cluster.hosts.some(({ host }) => host.name === name)) this.#update(key, cluster);
    }
  }

  #update(key: string, cluster: ClusterNames): void {
    let isChanged = false;
    for (const state of cluster.hosts) {
      const next = this.#choose(state);
      if (next === state.shown) continue;
      state.shown = next;
      isChanged = true;
    }
    if (!isChanged) return;
    cluster.endpoints = endpointsOf(key, cluster.configured, cluster.hosts);
    this.#onChange(key, cluster.endpoints);
  }

  #choose({ host: { name }, isUsed }: HostState): ResolvedName | undefined {
    return isUsed || this.#resolver.isFresh(name) ? this.#resolver.peek(name) : undefined;
  }
}

function endpointsOf(
  cluster: string,
  configured: readonly Endpoint[],
  hosts: readonly HostState[],
): readonly Endpoint[] {
  // A name's weight is for all of its addresses together.
  const isAlone = configured.length === 0 && hosts.length === 1;
  const factor = isAlone ? 1 : weightFactor;
  const found = new Map<string, Endpoint>();
  for (const endpoint of configured) {
    found.set(endpoint.workload, isAlone ? endpoint : { ...endpoint, weight: endpoint.weight * factor });
  }
  const namespace = cluster.slice(0, cluster.indexOf("/"));
  for (const { host, shown } of hosts) {
    const addresses = shown?.addresses ?? [host.name];
    const share = (host.weight * factor) / (isAlone ? 1 : addresses.length);
    const weight = host.weight === 0 ? 0 : Math.max(1, Math.round(share));
    for (const address of addresses) {
      const workload = workloadOf(namespace, address, host.port);
      // Two names may lead to one address; it is one place.
      if (found.has(workload)) continue;
      found.set(
        workload,
        create(EndpointSchema, {
          cluster,
          workload,
          address,
          port: host.port,
          tunnel: Tunnel.NONE,
          weight,
          health: Health.HEALTHY,
          region: host.region,
          zone: host.zone,
          priority: host.priority,
        }),
      );
    }
  }
  return [...found.values()];
}

function workloadsOf({ namespace }: Cluster, { host, shown }: HostState): string[] {
  return (shown?.addresses ?? [host.name]).map((address) => workloadOf(namespace, address, host.port));
}

/** As compile writes those of ExternalServices whose addresses it knows. */
function workloadOf(namespace: string, address: string, port: number): string {
  return `${namespace}/${address.includes(":") ? `[${address}]` : address}:${port}`;
}
