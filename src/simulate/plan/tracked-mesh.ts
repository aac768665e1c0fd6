/**
 * A compiled mesh that knows every resource that some proxy has, takes a change, says which of them are others by it, and goes
 * back to where it was. A change costs what depends on it, not what there is. All work is in steps (`kernel/steps.ts`); one
 * proposal at a time.
 */
import {
  type ApiObject,
  type KindName,
  keyOf,
  keyText,
  type ObjectKey,
  type Stored,
  storedOf,
} from "../../api/index.ts";
import {
  type CompiledResource,
  type CompileChange,
  Compiler,
  type ResourceName,
  type StaleOutputs,
  type StatusUpdate,
} from "../../compile/index.ts";
import {
  ChangeSet,
  indexObject,
  RegistryIndex,
  unindexObject,
  type WorkloadHealth,
} from "../../registry/index.ts";
import { secondsText, type Steps } from "../../kernel/index.ts";

export interface TrackedMeshOptions {
  readonly trustDomain: string;
  /** "namespace/name" of a workload. Absent: everybody is alive. */
  readonly healthOf?: (workload: string) => WorkloadHealth;
}

/** What compiles besides objects: key sets, where gateways are served, who is trusted. */
export type MeshSurroundings = Pick<CompileChange, "gatewayHost" | "keySets" | "trust">;

/** A resource before and after a proposal; undefined: it is not there. */
export interface ResourceChange extends ResourceName {
  readonly before: CompiledResource | undefined;
  readonly after: CompiledResource | undefined;
}

export interface ObjectChanges {
  /** As a store would hold them. */
  readonly upserted: readonly Stored[];
  readonly removed: readonly ObjectKey[];
}

export interface Proposal {
  /** Resources that are tracked, or become part of what a tracked one needs. */
  readonly changes: readonly ResourceChange[];
  readonly defects: readonly string[];
}

/** Objects compile fastest when what they refer to is there before them. */
const order: readonly KindName[] = [
  "MeshConfig",
  "Namespace",
  "GatewayClass",
  "Secret",
  "ConfigMap",
  "Service",
];
const objectsOfStep = 16;
/** Of which it is only seen whether they are the same. */
const objectsOfLook = 512;

export class TrackedMesh {
  readonly registry = new RegistryIndex();
  readonly compiler: Compiler;
  readonly #healthOf: (workload: string) => WorkloadHealth;
  readonly #objects = new Map<string, Stored>();
  readonly #health = new Map<string, WorkloadHealth>();
  /** As they are without a proposal, by `nameText`. */
  readonly #resources = new Map<string, CompiledResource | undefined>();
  readonly #members = new Map<string, readonly string[]>();
  /** Roots, by what of their closure they have. */
  readonly #rootsOf = new Map<string, Set<string>>();
  #surroundings: MeshSurroundings = {};

  constructor({ trustDomain, healthOf = () => "live" }: TrackedMeshOptions) {
    this.compiler = new Compiler({ trustDomain, trustRoots: [], registry: this.registry });
    this.#healthOf = healthOf;
  }

  get objects(): ReadonlyMap<string, Stored> {
    return this.#objects;
  }

  object(key: ObjectKey): Stored | undefined {
    return this.#objects.get(keyText(key));
  }

  /** All objects that there are now, and what is around them: what differs from before is compiled. */
  *sync(objects: readonly Stored[], surroundings: MeshSurroundings = {}): Steps<void> {
    const present = new Set<string>();
    const upserted: Stored[] = [];
    for (const [index, object] of objects.entries()) {
      if (index % objectsOfLook === 0) yield;
      const text = keyText(keyOf(object));
      present.add(text);
      if (this.#objects.get(text) !== object || this.#isOtherHealth(object)) upserted.push(object);
      this.#objects.set(text, object);
    }
    const removed: ObjectKey[] = [];
    for (const [index, [text, object]] of [...this.#objects].entries()) {
      if (index % objectsOfLook === 0) yield;
      if (present.has(text)) continue;
      removed.push(keyOf(object));
      this.#objects.delete(text);
    }
    // By rank, within one as they came; a sort of all of them would be one long step.
    const ranks = Map.groupBy(upserted, rank);
    yield;
    const sorted = [...ranks].toSorted(([a], [b]) => a - b).flatMap(([, same]) => same);
    const stale = new Map<string, ResourceName>();
    const clusters = new Set<string>();
    const note = (outputs: StaleOutputs): void => {
      for (const name of outputs.resources) stale.set(nameText(name), name);
      for (const cluster of outputs.clusters) clusters.add(cluster);
    };
    if (!Bun.deepEquals(surroundings, this.#surroundings)) {
      this.#surroundings = surroundings;
      note(yield* this.compiler.applyLazily(surroundings));
      yield;
    }
    for (let at = 0; at < sorted.length || at === 0; at += objectsOfStep) {
      const slice = { upserted: sorted.slice(at, at + objectsOfStep), removed: at === 0 ? removed : [] };
      note(yield* this.#apply(slice));
      yield;
    }
    for (const cluster of clusters) {
      const members = this.compiler.members(cluster);
      this.#members.set(cluster, members);
      for (const key of members) stale.set(nameText({ kind: "Endpoint", key }), { kind: "Endpoint", key });
      yield;
    }
    for (const name of stale.values()) {
      this.#keep(name);
      yield;
      for (const needed of this.closureOf(name))
        if (!this.#resources.has(nameText(needed))) this.#keep(needed);
    }
  }

  /** From now on it is known what becomes of the resource, and of whatever it needs. */
  *track(root: ResourceName): Steps<void> {
    if (this.#resources.has(nameText(root))) return;
    this.#keep(root);
    yield;
    for (const name of this.closureOf(root)) {
      if (this.#resources.has(nameText(name))) continue;
      this.#keep(name);
      yield;
    }
  }

  resource(name: ResourceName): CompiledResource | undefined {
    return this.compiler.get(name);
  }

  /** What a proxy with the root has besides it: clusters, their endpoints, certificates. As things are now, a proposal included. */
  closureOf(root: ResourceName): ResourceName[] {
    const { clusters = [], certificates = [] } = this.compiler.get(root)?.closure ?? {};
    return [
      ...clusters.flatMap((key): ResourceName[] => [
        { kind: "Cluster", key },
        ...this.compiler.members(key).map((endpoint): ResourceName => ({ kind: "Endpoint", key: endpoint })),
      ]),
      ...certificates.map((key): ResourceName => ({ kind: "Certificate", key })),
    ];
  }

  /** Tracked resources that have this one in their closure, without the proposal. */
  rootsWith(name: ResourceName): Iterable<string> {
    return this.#rootsOf.get(holderOf(name)) ?? [];
  }

  /** `holder`: a cluster with its endpoints, or a certificate. */
  partsOf(holder: string, side: "before" | "after"): ResourceName[] {
    if (!holder.startsWith("Cluster "))
      return [{ kind: "Certificate", key: holder.slice("Certificate ".length) }];
    const key = holder.slice("Cluster ".length);
    const members = side === "before" ? (this.#members.get(key) ?? []) : this.compiler.members(key);
    return [
      { kind: "Cluster", key },
      ...members.map((each): ResourceName => ({ kind: "Endpoint", key: each })),
    ];
  }

  /** The mesh with the change in it, until `withdraw`. */
  *propose(changes: ObjectChanges): Steps<Proposal> {
    const stale = yield* this.#apply(changes);
    yield;
    const defects = [...stale.defects];
    const found = new Map<string, ResourceChange>();
    const compare = (name: ResourceName): void => {
      const text = nameText(name);
      if (found.has(text)) return;
      const before = this.#resources.get(text);
      const after = this.#attempt(name, defects);
      if (before?.version !== after?.version) found.set(text, { ...name, before, after });
    };
    for (const cluster of stale.clusters) {
      const members = new Set([...(this.#members.get(cluster) ?? []), ...this.compiler.members(cluster)]);
      for (const key of members) {
        compare({ kind: "Endpoint", key });
        yield;
      }
    }
    for (const name of stale.resources) {
      compare(name);
      yield;
    }
    // What a changed root needs now may be new to everybody.
    for (const name of stale.resources) {
      yield;
      for (const needed of this.closureOf(name)) {
        if (this.#resources.has(nameText(needed))) continue;
        compare(needed);
        yield;
      }
    }
    return { changes: [...found.values()], defects };
  }

  /** As it was before `propose(changes)`. */
  *withdraw(changes: ObjectChanges): Steps<void> {
    const keys = [...changes.upserted.map((object) => keyOf(object)), ...changes.removed];
    const before = keys.map((key) => this.object(key));
    const stale = yield* this.#apply({
      upserted: before.flatMap((object) => object ?? []),
      removed: keys.filter((_, index) => before[index] === undefined),
    });
    yield;
    for (const cluster of stale.clusters) {
      if (this.#members.has(cluster)) this.compiler.members(cluster);
      else this.compiler.forgetMembers(cluster);
      yield;
    }
    for (const name of stale.resources) {
      // Recomputed, so that the compiler goes on knowing what it depends on; what came by the proposal alone is let go.
      if (this.#resources.has(nameText(name))) this.compiler.get(name);
      else this.compiler.forget(name);
      yield;
    }
  }

  /** Of every object as it is now. */
  statuses(): StatusUpdate[] {
    return this.compiler.statuses();
  }

  *#apply({ upserted, removed }: ObjectChanges): Steps<StaleOutputs> {
    const registry = new ChangeSet();
    for (const key of removed) unindexObject(this.registry, key, registry);
    for (const [index, object] of upserted.entries()) {
      if (index % objectsOfStep === 0) yield;
      indexObject(this.registry, object, this.#noteHealth(object), registry);
    }
    // The compiler lets go of a key set that no policy names; one that comes, or comes back, finds it again.
    const { keySets = [] } = this.#surroundings;
    return yield* this.compiler.applyLazily({ upserted, removed, registry, keySets });
  }

  #isOtherHealth(object: Stored): boolean {
    if (object.kind !== "MeshWorkload") return false;
    const path = pathOf(object);
    return this.#health.get(path) !== this.#healthOf(path);
  }

  #noteHealth(object: Stored): WorkloadHealth {
    if (object.kind !== "MeshWorkload") return "live";
    const path = pathOf(object);
    const health = this.#healthOf(path);
    this.#health.set(path, health);
    return health;
  }

  #keep(name: ResourceName): void {
    const text = nameText(name);
    const old = this.#resources.get(text);
    const resource = this.compiler.get(name);
    this.#resources.set(text, resource);
    for (const needed of neededBy(old)) this.#rootsOf.get(needed)?.delete(text);
    for (const needed of neededBy(resource)) {
      const roots = this.#rootsOf.get(needed);
      if (roots === undefined) this.#rootsOf.set(needed, new Set([text]));
      else roots.add(text);
    }
    for (const cluster of resource?.closure.clusters ?? []) {
      if (!this.#members.has(cluster)) this.#members.set(cluster, this.compiler.members(cluster));
    }
  }

  #attempt(name: ResourceName, defects: string[]): CompiledResource | undefined {
    try {
      return this.compiler.get(name);
    } catch (error) {
      // As the compiler itself takes it: what it would have replaced stays.
      defects.push(`${nameText(name)}: ${error instanceof Error ? error.message : String(error)}`);
      return this.#resources.get(nameText(name));
    }
  }
}

export function nameText({ kind, key }: ResourceName): string {
  return `${kind} ${key}`;
}

/** A new version of an object as a store would hold it: its age stays, its generation grows. `nowMs`: of one that is new; undefined: files tell no age. */
export function proposedVersion(
  written: ApiObject,
  existing: Stored | undefined,
  nowMs: number | undefined,
): Stored {
  const aged: ApiObject = structuredClone(written);
  if (nowMs !== undefined) Object.assign(aged.metadata, { creationTimestamp: secondsText(nowMs) });
  return storedOf(aged, (existing?.metadata.generation ?? 0) + 1, existing);
}

function rank(object: Stored): number {
  const place = order.indexOf(object.kind);
  return place < 0 ? order.length + Number(object.kind !== "MeshWorkload") : place;
}

function neededBy(resource: CompiledResource | undefined): string[] {
  const { clusters = [], certificates = [] } = resource?.closure ?? {};
  return [...clusters.map((key) => `Cluster ${key}`), ...certificates.map((key) => `Certificate ${key}`)];
}

/** Whose closure an endpoint is in is told by its cluster. */
export function holderOf(name: ResourceName): string {
  if (name.kind !== "Endpoint") return nameText(name);
  const cluster = /^[^/]+\/[^/]+/.exec(name.key)?.[0] ?? "";
  return `Cluster ${cluster}`;
}

function pathOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
