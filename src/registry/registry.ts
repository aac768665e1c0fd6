/**
 * The registry: the index of services, workloads and endpoints, with the liveness of workloads and their registration.
 * It does not watch the store: its owner feeds it every event (`apply`), so that one commit changes the registry and
 * everything else in one step. What changes by itself (streams, time) is told to subscribers.
 */
import {
  type EndpointSlice,
  type MeshWorkload,
  type ObjectKey,
  type Service,
  type Stored,
} from "../api/index.ts";
import { type Clock, errorLine, type Log, Prefix } from "../kernel/index.ts";
import type { Store, WatchEvent } from "../store/index.ts";
import { ChangeSet } from "./change-set.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import { Leases } from "./leases.ts";
import {
  checkRegistration,
  compileRegistration,
  isRegisteredByProxy,
  type WorkloadRegistration,
} from "./registration.ts";
import { RegistryIndex } from "./registry-index.ts";
import { StatusWriter } from "./status-writer.ts";
import type { RegistryChange, RegistryViews, WorkloadHealth, WorkloadView } from "./view.ts";

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: this is the only control plane. */
  readonly replica?: RegistryReplica | undefined;
}

/** One of several control planes over one store. */
export interface RegistryReplica {
  /** Where the leader alone writes; what another one writes there is refused. */
  readonly leadingStore: Store;
  isLeading(): boolean;
  /** Resolves when the others will know that a workload drains, or does not any more. */
  tellDraining(workload: string, isDraining: boolean): Promise<void>;
}

/** What holds until there is a MeshConfig: its schema's default. */
const defaultLeaseMs = 5_000;

export class Registry {
  readonly #store: Store;
  readonly #replica: RegistryReplica | undefined;
  readonly #log: Log;
  readonly #index = new RegistryIndex();
  readonly #leases: Leases;
  readonly #statuses: StatusWriter;
  readonly #writes: GatheredWrites;
  readonly #draining = new Set<string>();
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  #virtualPrefixes: readonly Prefix[] = [];
  #workloadPrefixes: readonly Prefix[] = [];

  constructor({ store, clock, log, replica }: RegistryOptions) {
    this.#store = store;
    this.#replica = replica;
    this.#log = log;
    this.#writes = new GatheredWrites(store);
    this.#leases = new Leases({
      clock,
      log,
      leaseMs: defaultLeaseMs,
      onChange: (paths) => this.#livenessChanged(paths),
      onForgotten: (paths) => void this.#deleteForgotten(paths),
    });
    this.#statuses = new StatusWriter({
      store: replica?.leadingStore ?? store,
      isLeading: replica === undefined ? undefined : () => replica.isLeading(),
      clock,
      log,
      present: (path) => this.#withPresentStatus(path),
    });
  }

  get views(): RegistryViews {
    return this.#index;
  }

  /** Expiry of leases is held back because too many would run out at once. */
  get isFrozen(): boolean {
    return this.#leases.isFrozen;
  }

  /** Proxies are being turned away: for one lease nobody is held to be lost. */
  holdLeases(): void {
    this.#leases.hold();
  }

  isConnected(workload: string): boolean {
    return this.#leases.isConnected(workload);
  }

  /**
   * Reads all that is in the store, at start and whenever a watch was told "gone". Every workload that was not known to
   * be lost counts as alive for one lease. Watch the store from `sequence`, and pass every event to `apply`.
   */
  load(): { readonly change: RegistryChange; readonly sequence: number } {
    const changes = new ChangeSet();
    const config = this.#store.list({ kind: "MeshConfig" });
    for (const object of config.items) this.#upsert(object, changes, true);
    const services = this.#store.list({ kind: "Service" });
    const workloads = this.#store.list({ kind: "MeshWorkload" });
    const slices = this.#store.list({ kind: "EndpointSlice" });
    this.#removeAbsent([...services.items, ...workloads.items, ...slices.items], changes);
    for (const object of services.items) this.#upsert(object, changes, true);
    for (const object of workloads.items) this.#upsert(object, changes, true);
    for (const object of slices.items) this.#upsert(object, changes, true);
    // The listings were read one after another: events in between come again and change nothing.
    return { change: changes, sequence: config.sequence };
  }

  /** Takes what one write to the store changed. Returns what that changed here; subscribers are not told. */
  apply(events: readonly WatchEvent[]): RegistryChange {
    const changes = new ChangeSet();
    for (const event of events) {
      if (event.type === "deleted") this.#remove(event.key, changes);
      else this.#upsert(event.object, changes, false);
    }
    return changes;
  }

  /** Tells of changes that no write to the store caused. Returns the way out. */
  subscribe(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Creates or replaces the MeshWorkload and renews its lease. The caller has checked that the proxy may act for this
   * namespace and service account. Throws `bad_input`, `forbidden`, `conflict`, or what the store throws.
   */
  async register(registration: WorkloadRegistration): Promise<{ readonly leaseMs: number }> {
    const object = compileRegistration(registration);
    const path = `${registration.namespace}/${registration.name}`;
    // What is not stored yet is not in the index, and may take an address first.
    if (this.#writes.isClaimed(object.spec.addresses, path))
      await this.#writes.unclaimed(object.spec.addresses, path);
    const existing = this.#stored(path);
    checkRegistration(registration, {
      existing,
      isAlive: (other) => !this.#leases.isLost(other),
      addressOwner: (ip) => this.#index.addressOwner(ip),
      virtualPrefixes: this.#virtualPrefixes,
      workloadPrefixes: this.#workloadPrefixes,
    });
    // First the lease: when the write's own event comes back, the workload is alive already.
    const wasDraining = this.#draining.delete(path);
    this.#leases.renew(path);
    if (wasDraining) {
      this.#livenessChanged([path]);
      await this.#replica?.tellDraining(path, false);
    }
    if (existing === undefined || isRegisteredByProxy(existing)) {
      // A reconnect after a control plane's restart says what is known: thousands of those must not be thousands of writes.
      if (existing === undefined || !saysTheSame(existing, object)) {
        await this.#writes.put(object);
      }
    }
    return { leaseMs: this.#leases.leaseMs };
  }

  /** Takes the workload out of every service at once; what only drains stays known and takes nothing new. */
  async leave(workload: {
    readonly namespace: string;
    readonly name: string;
    readonly drainOnly: boolean;
  }): Promise<void> {
    const path = `${workload.namespace}/${workload.name}`;
    const existing = this.#stored(path);
    if (existing === undefined) return;
    this.#draining.add(path);
    this.#livenessChanged([path]);
    // What is deleted below is gone for everybody by that.
    const isDeleted = !workload.drainOnly && isRegisteredByProxy(existing);
    if (!isDeleted) await this.#replica?.tellDraining(path, true);
    if (workload.drainOnly) return;
    this.#leases.forget(path);
    if (!isRegisteredByProxy(existing)) {
      this.#livenessChanged([path]);
      return;
    }
    await this.#writes.delete({ kind: "MeshWorkload", namespace: workload.namespace, name: workload.name });
  }

  /** What another control plane was told by a workload's proxy. */
  setDraining(workload: string, isDraining: boolean): void {
    if (this.#draining.has(workload) === isDraining) return;
    if (isDraining) this.#draining.add(workload);
    else this.#draining.delete(workload);
    this.#livenessChanged([workload]);
  }

  /** This control plane leads from now on: what the one before may have left undone is done. */
  lead(): void {
    const paths = [...this.#index.workloads()].map(({ path }) => path);
    this.#statuses.mark(paths);
    this.#statuses.lead();
    void this.#deleteForgotten(paths.filter((path) => !this.#leases.isKnown(path)));
  }

  /** A stream of the workload's proxy opened. It may come before or after its registration. */
  connected(workload: string): void {
    this.#leases.connected(workload);
  }

  disconnected(workload: string): void {
    this.#leases.disconnected(workload);
  }

  close(): void {
    this.#leases.close();
    this.#statuses.close();
    this.#listeners.clear();
  }

  #stored(path: string): Stored<MeshWorkload> | undefined {
    const [namespace = "", name = ""] = path.split("/");
    return this.#store.get({ kind: "MeshWorkload", namespace, name });
  }

  #upsert(object: Stored, changes: ChangeSet, isLoading: boolean): void {
    switch (object.kind) {
      case "Service":
        this.#index.upsertService(object, changes);
        break;
      case "EndpointSlice":
        this.#index.upsertSlice(object, changes);
        break;
      case "MeshWorkload":
        this.#upsertWorkload(object, changes, isLoading);
        break;
      case "MeshConfig":
        this.#virtualPrefixes = object.spec.virtualIpCidrs.flatMap((text) => Prefix.parse(text) ?? []);
        this.#workloadPrefixes = object.spec.workloadCidrs.flatMap((text) => Prefix.parse(text) ?? []);
        this.#leases.setLeaseMs(object.spec.leaseSeconds * 1000);
        break;
      default:
        break;
    }
  }

  #upsertWorkload(workload: MeshWorkload, changes: ChangeSet, isLoading: boolean): void {
    const path = `${workload.metadata.namespace}/${workload.metadata.name}`;
    if (isLoading) this.#adopt(path, workload);
    // The stream may have opened before the object was there to carry its status.
    else this.#statuses.mark([path]);
    this.#index.upsertWorkload(workload, this.#healthOf(path, workload.spec.tunnel.type), changes);
  }

  /** Who was lost before we restarted had no stream then, and nothing has been heard of it since. */
  #adopt(path: string, { status, spec }: MeshWorkload): void {
    if (spec.tunnel.type === "none" || !this.#leases.isLost(path)) return;
    if (status?.draining === true) this.#draining.add(path);
    this.#leases.adopt(path, status?.health === "Unhealthy");
  }

  /** Without a proxy there is no stream to tell anything by: then it is alive because its author says so. */
  #healthOf(path: string, tunnel: WorkloadView["tunnel"]["kind"]): WorkloadHealth {
    if (tunnel !== "none" && this.#leases.isLost(path)) return "lost";
    return this.#draining.has(path) ? "draining" : "live";
  }

  #remove(key: ObjectKey, changes: ChangeSet): void {
    const path = `${key.namespace}/${key.name}`;
    if (key.kind === "Service") this.#index.removeService(path, changes);
    if (key.kind === "EndpointSlice") this.#index.removeSlice(path, changes);
    if (key.kind !== "MeshWorkload") return;
    this.#leases.forget(path);
    this.#draining.delete(path);
    this.#index.removeWorkload(path, changes);
  }

  #removeAbsent(present: readonly (Service | MeshWorkload | EndpointSlice)[], changes: ChangeSet): void {
    const paths = new Set(
      present.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
    );
    for (const { namespace, name, path } of [...this.#index.workloads()]) {
      if (!paths.has(`MeshWorkload ${path}`))
        this.#remove({ kind: "MeshWorkload", namespace, name }, changes);
    }
    for (const { path } of [...this.#index.services()]) {
      if (!paths.has(`Service ${path}`)) this.#index.removeService(path, changes);
    }
    for (const path of this.#index.slicePaths()) {
      if (!paths.has(`EndpointSlice ${path}`)) this.#index.removeSlice(path, changes);
    }
  }

  #livenessChanged(paths: readonly string[]): void {
    const changes = new ChangeSet();
    for (const path of paths) {
      const view = this.#index.workload(path);
      if (view !== undefined) this.#index.setHealth(path, this.#healthOf(path, view.tunnel.kind), changes);
    }
    this.#statuses.mark(paths);
    if (changes.isEmpty) return;
    for (const listener of this.#listeners) listener(changes);
  }

  #withPresentStatus(path: string): MeshWorkload | undefined {
    const object = this.#stored(path);
    const view = this.#index.workload(path);
    if (object === undefined || view === undefined) return undefined;
    const deadlineMs = this.#leases.deadlineMs(path);
    const status: MeshWorkload["status"] = {
      connected: this.#leases.isConnected(path),
      draining: this.#draining.has(path),
      health: view.health === "lost" ? "Unhealthy" : "Healthy",
      ...(deadlineMs === undefined ? {} : { leaseExpires: new Date(deadlineMs).toISOString() }),
    };
    return Bun.deepEquals(object.status, status, true) ? undefined : { ...object, status };
  }

  async #deleteForgotten(paths: readonly string[]): Promise<void> {
    if (this.#replica?.isLeading() === false) return;
    const store = this.#replica?.leadingStore ?? this.#store;
    for (const path of paths) {
      const object = this.#stored(path);
      if (object === undefined || !isRegisteredByProxy(object) || !this.#leases.isLost(path)) continue;
      const { namespace, name } = object.metadata;
      try {
        await store.writeOperational([{ type: "delete", key: { kind: "MeshWorkload", namespace, name } }]);
      } catch (error) {
        this.#log.warn("a workload that is long gone could not be deleted", {
          workload: path,
          error: errorLine(error),
        });
      }
    }
  }
}

function saysTheSame(stored: MeshWorkload, object: MeshWorkload): boolean {
  const { labels, annotations } = stored.metadata;
  return (
    Bun.deepEquals(stored.spec, object.spec) &&
    Bun.deepEquals(labels ?? {}, object.metadata.labels ?? {}) &&
    Bun.deepEquals(annotations ?? {}, object.metadata.annotations ?? {})
  );
}
