/** What every step of a simulation reads: the compiled mesh, what is prepared of it, where objects come from, the time. */
import type { SourceRef } from "../api/index.ts";
import { AuthorizationTable, RatePlan } from "../decide/admission/index.ts";
import {
  InboundTable,
  layRequests,
  MeshPrefixes,
  PreparedFaults,
  type PreparedRequests,
  requestDefaults,
  RouteTable,
  ServiceConnections,
} from "../decide/index.ts";
import type {
  Authorization,
  Cluster,
  ConnectionRouting,
  HttpRouting,
  Inbound,
  Mesh,
  RateLimit,
  Source,
} from "../model/index.ts";
import type { CompiledMesh } from "./compiled-mesh.ts";
import type { Sources } from "./sources.ts";

export interface SceneParts {
  readonly mesh: CompiledMesh;
  readonly model: Mesh;
  readonly sources: Sources;
  readonly nowMs: number;
}

/** Prepared parts are kept by the messages that they were made of, so one mesh answers many questions. */
export class Scene {
  readonly mesh: CompiledMesh;
  readonly model: Mesh;
  readonly nowMs: number;
  readonly prefixes = new MeshPrefixes();
  readonly #sources: Sources;
  readonly #routes = new WeakMap<HttpRouting, RouteTable>();
  readonly #connections = new WeakMap<ConnectionRouting, ServiceConnections>();
  readonly #inbounds = new WeakMap<Inbound, InboundTable>();
  readonly #authorizations = new WeakMap<Authorization, AuthorizationTable>();
  readonly #plans = new WeakMap<RateLimit, RatePlan>();
  readonly #faults = new WeakMap<Cluster, { readonly faults: PreparedFaults | undefined }>();

  constructor({ mesh, model, sources, nowMs }: SceneParts) {
    this.mesh = mesh;
    this.model = model;
    this.nowMs = nowMs;
    this.#sources = sources;
  }

  source(source: Source | undefined): SourceRef | undefined {
    return this.#sources.of(source);
  }

  ref(kind: string, path: string, section = ""): SourceRef {
    const slash = path.indexOf("/");
    return this.#sources.ref({ kind, namespace: path.slice(0, slash), name: path.slice(slash + 1) }, section);
  }

  routes(routing: HttpRouting): RouteTable {
    return remember(this.#routes, routing, () => RouteTable.prepare(routing));
  }

  connections(routing: ConnectionRouting): ServiceConnections {
    return remember(this.#connections, routing, () => ServiceConnections.prepare(routing));
  }

  /** `addresses`: the workload's own. */
  inbound(inbound: Inbound, addresses: readonly string[]): InboundTable {
    const { trustDomain, trustDomainAliases } = this.model;
    return remember(this.#inbounds, inbound, () =>
      InboundTable.prepare(inbound, { trustDomain, trustDomainAliases, addresses }),
    );
  }

  authorization(model: Authorization): AuthorizationTable {
    return remember(this.#authorizations, model, () => AuthorizationTable.prepare(model, this.model));
  }

  plan(limit: RateLimit): RatePlan {
    return remember(this.#plans, limit, () => new RatePlan(limit, this.model, 1));
  }

  clusterFaults(cluster: Cluster): PreparedFaults | undefined {
    return remember(this.#faults, cluster, () => ({ faults: PreparedFaults.prepare(cluster.faults) })).faults;
  }

  clusterRequests(cluster: Cluster | undefined, role: "sidecar" | "gateway"): PreparedRequests {
    return layRequests(cluster?.requests, requestDefaults[role]);
  }
}

function remember<K extends WeakKey, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
