/**
 * Clusters without endpoints, whose connections go where their clients meant to go: one upstream for each place that was
 * asked for, kept while it is used. Bounded in number: the one that was not used for longest gives way.
 */
import { create } from "@bufbuild/protobuf";
import type { Clock } from "../../kernel/index.ts";
import { type Cluster, type Endpoint, EndpointSchema, Health, Tunnel } from "../../model/index.ts";
import type { UpstreamCluster } from "./cluster.ts";
import type { UpstreamEndpoint } from "./endpoint.ts";

/** What a client meant. */
export interface OriginalPlace {
  /** An address, or the name that it said, which is looked up. */
  readonly host: string;
  readonly port: number;
  /** For TLS to the place; empty where the client said none. */
  readonly name: string;
}

interface PlaceState {
  readonly view: UpstreamCluster;
  readonly byWorkload: ReadonlyMap<string, UpstreamEndpoint>;
}

interface Kept<S> {
  readonly cluster: string;
  readonly model: Cluster;
  readonly state: S;
  readonly view: UpstreamCluster;
  lastUsedMs: number;
}

/** Places at once, of all clusters: more are a scan, not an application. */
const maxPlaces = 1_024;
const idleMs = 120_000;

/** A place is a cluster of its own to its maker, by a key of its own. */
export interface PlaceMaker<S extends PlaceState> {
  prepare(key: string, model: Cluster, endpoint: Endpoint): S;
  onEnd(key: string): void;
}

export class OriginalDestinations<S extends PlaceState> {
  readonly #clock: Clock;
  readonly #maker: PlaceMaker<S>;
  readonly #places = new Map<string, Kept<S>>();

  constructor(clock: Clock, maker: PlaceMaker<S>) {
    this.#clock = clock;
    this.#maker = maker;
  }

  /** Undefined: too many are in use. */
  get(cluster: string, model: Cluster, place: OriginalPlace): UpstreamCluster | undefined {
    const port = model.original?.port || place.port;
    const key = `${cluster} ${place.host} ${port} ${place.name}`;
    const nowMs = this.#clock.nowMs();
    const known = this.#places.get(key);
    if (known?.model === model) {
      known.lastUsedMs = nowMs;
      return known.view;
    }
    if (known !== undefined) this.#end(key, known);
    if (this.#places.size >= maxPlaces && !this.#makeRoom()) return undefined;
    const endpoint = create(EndpointSchema, {
      cluster,
      workload: `${model.namespace}/${place.host.includes(":") ? `[${place.host}]` : place.host}:${port}`,
      address: place.host,
      port,
      tunnel: Tunnel.NONE,
      weight: 1,
      health: Health.HEALTHY,
    });
    const state = this.#maker.prepare(key, named(model, place.name), endpoint);
    const view = { ...state.view, key: cluster };
    this.#places.set(key, { cluster, model, state, view, lastUsedMs: nowMs });
    return view;
  }

  sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, kept] of this.#places) {
      for (const endpoint of kept.state.byWorkload.values()) endpoint.pool.sweep(nowMs);
      if (nowMs - kept.lastUsedMs >= idleMs && !isInUse(kept.state)) this.#end(key, kept);
    }
  }

  /** The configuration no longer holds the cluster. */
  forget(cluster: string): void {
    for (const [key, kept] of this.#places) if (kept.cluster === cluster) this.#end(key, kept);
  }

  *endpoints(): Generator<UpstreamEndpoint> {
    for (const { state } of this.#places.values()) yield* state.byWorkload.values();
  }

  close(): void {
    for (const [key, kept] of this.#places) this.#end(key, kept);
  }

  #makeRoom(): boolean {
    let oldest: [string, Kept<S>] | undefined;
    for (const entry of this.#places) {
      const isOlder = oldest === undefined || entry[1].lastUsedMs < oldest[1].lastUsedMs;
      if (isOlder && !isInUse(entry[1].state)) oldest = entry;
    }
    if (oldest !== undefined) this.#end(...oldest);
    return oldest !== undefined;
  }

  #end(key: string, { state }: Kept<S>): void {
    this.#places.delete(key);
    this.#maker.onEnd(key);
    for (const endpoint of state.byWorkload.values()) endpoint.close();
  }
}

function isInUse({ byWorkload }: PlaceState): boolean {
  return [...byWorkload.values()].some((endpoint) => endpoint.inFlight > 0);
}

/** Where TLS to the place is for the name that the client said, this is where it becomes known. */
function named(model: Cluster, name: string): Cluster {
  if (model.tls === undefined || model.tls.hostname !== "") return model;
  return { ...model, tls: { ...model.tls, hostname: name } };
}
