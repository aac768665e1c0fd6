/**
 * The registry's views, kept up to date one object at a time. Knows nothing of stores, time or streams: the health of
 * a workload is told to it.
 */
import { type EndpointSlice, type MeshWorkload, type Service, serviceNameLabel } from "../api/index.ts";
import { AddressIndex } from "./address-index.ts";
import { addAll, type ChangeSet } from "./change-set.ts";
import {
  endpointAt,
  foreignEndpoint,
  serviceView,
  slicePortNumber,
  type SliceView,
  sliceView,
  workloadEndpoint,
  workloadView,
} from "./object-views.ts";
import { SelectorIndex } from "./selector-index.ts";
import type {
  AddressOwner,
  EndpointView,
  ObjectPath,
  RegistryViews,
  ServicePortView,
  ServiceView,
  WorkloadHealth,
  WorkloadView,
} from "./view.ts";

interface ServiceEntry {
  readonly view: ServiceView;
  readonly members: Set<ObjectPath>;
  /** By transport and port; emptied when a member changes. */
  readonly endpoints: Map<string, readonly EndpointView[]>;
}

interface WorkloadEntry {
  readonly view: WorkloadView;
  readonly services: Set<ObjectPath>;
}

const none: readonly never[] = [];

export class RegistryIndex implements RegistryViews {
  readonly #services = new Map<ObjectPath, ServiceEntry>();
  readonly #workloads = new Map<ObjectPath, WorkloadEntry>();
  readonly #slices = new Map<ObjectPath, SliceView>();
  readonly #slicesOfService = new Map<ObjectPath, Set<ObjectPath>>();
  readonly #slicesAtAddress = new Map<string, Set<ObjectPath>>();
  readonly #selectors = new SelectorIndex();
  readonly #addresses = new AddressIndex();

  service(path: ObjectPath): ServiceView | undefined {
    return this.#services.get(path)?.view;
  }

  *services(): Iterable<ServiceView> {
    for (const { view } of this.#services.values()) yield view;
  }

  workload(path: ObjectPath): WorkloadView | undefined {
    return this.#workloads.get(path)?.view;
  }

  *workloads(): Iterable<WorkloadView> {
    for (const { view } of this.#workloads.values()) yield view;
  }

  endpoints(service: ObjectPath, port: number, transport: "TCP" | "UDP" = "TCP"): readonly EndpointView[] {
    const entry = this.#services.get(service);
    if (entry === undefined) return none;
    const key = `${transport} ${port}`;
    const cached = entry.endpoints.get(key);
    if (cached !== undefined) return cached;
    const portView = portOf(entry.view, port, transport);
    if (portView === undefined) return none;
    const computed = this.#computeEndpoints(entry, portView);
    entry.endpoints.set(key, computed);
    return computed;
  }

  endpoint(
    service: ObjectPath,
    port: number,
    workload: ObjectPath,
    transport: "TCP" | "UDP" = "TCP",
  ): EndpointView | undefined {
    const entry = this.#services.get(service);
    // Addresses of slices are judged together: two may be one workload's.
    if (entry?.view.selector === undefined)
      return this.endpoints(service, port, transport).find((each) => each.workload === workload);
    const portView = portOf(entry.view, port, transport);
    return portView === undefined ? undefined : this.#memberEndpoint(entry, workload, portView);
  }

  membersOf(service: ObjectPath): readonly ObjectPath[] {
    return [...(this.#services.get(service)?.members ?? none)].toSorted();
  }

  servicesOf(workload: ObjectPath): readonly ObjectPath[] {
    return [...(this.#workloads.get(workload)?.services ?? none)].toSorted();
  }

  addressOwner(ip: string): AddressOwner | undefined {
    return this.#addresses.owner(ip);
  }

  workloadAt(ip: string): WorkloadView | undefined {
    return this.#addresses.workload(ip);
  }

  upsertService(service: Service, changes: ChangeSet): void {
    const view = serviceView(service);
    if (Bun.deepEquals(this.#services.get(view.path)?.view, view, true)) return;
    this.removeService(view.path, changes);
    const members = new Set(this.#selectors.addService(view));
    this.#services.set(view.path, { view, members, endpoints: new Map() });
    for (const member of members) this.#workloads.get(member)?.services.add(view.path);
    this.#addresses.addService(view);
    this.#noteService(view, members, changes);
  }

  removeService(path: ObjectPath, changes: ChangeSet): void {
    const entry = this.#services.get(path);
    if (entry === undefined) return;
    this.#services.delete(path);
    this.#selectors.removeService(entry.view);
    for (const member of entry.members) this.#workloads.get(member)?.services.delete(path);
    this.#addresses.removeService(entry.view);
    this.#noteService(entry.view, entry.members, changes);
  }

  upsertWorkload(workload: MeshWorkload, health: WorkloadHealth, changes: ChangeSet): void {
    this.#replaceWorkload(workloadView(workload, health), changes);
  }

  setHealth(path: ObjectPath, health: WorkloadHealth, changes: ChangeSet): void {
    const entry = this.#workloads.get(path);
    if (entry !== undefined) this.#replaceWorkload({ ...entry.view, health }, changes);
  }

  removeWorkload(path: ObjectPath, changes: ChangeSet): void {
    const entry = this.#workloads.get(path);
    if (entry === undefined) return;
    this.#takeOut(entry);
    this.#noteWorkload(entry, undefined, changes);
  }

  upsertSlice(slice: EndpointSlice, changes: ChangeSet): void {
    const path = `${slice.metadata.namespace}/${slice.metadata.name}`;
    const view = sliceView(slice, slice.metadata.labels?.[serviceNameLabel]);
    if (Bun.deepEquals(this.#slices.get(path), view, true)) return;
    this.removeSlice(path, changes);
    if (view === undefined) return;
    this.#slices.set(path, view);
    addTo(this.#slicesOfService, view.service, path);
    for (const { address } of view.addresses) addTo(this.#slicesAtAddress, address, path);
    this.#noteEndpoints(view.service, changes);
  }

  removeSlice(path: ObjectPath, changes: ChangeSet): void {
    const view = this.#slices.get(path);
    if (view === undefined) return;
    this.#slices.delete(path);
    removeFrom(this.#slicesOfService, view.service, path);
    for (const { address } of view.addresses) removeFrom(this.#slicesAtAddress, address, path);
    this.#noteEndpoints(view.service, changes);
  }

  /** Paths of everything of a kind, to find what a new listing no longer holds. */
  slicePaths(): ObjectPath[] {
    return [...this.#slices.keys()];
  }

  #replaceWorkload(view: WorkloadView, changes: ChangeSet): void {
    const before = this.#workloads.get(view.path);
    if (Bun.deepEquals(before?.view, view, true)) return;
    if (before !== undefined) this.#takeOut(before);
    const entry: WorkloadEntry = { view, services: new Set(this.#selectors.addWorkload(view)) };
    this.#workloads.set(view.path, entry);
    for (const service of entry.services) this.#services.get(service)?.members.add(view.path);
    this.#addresses.addWorkload(view);
    if (before !== undefined) this.#noteWorkload(before, entry, changes);
    this.#noteWorkload(entry, before, changes);
  }

  #takeOut({ view, services }: WorkloadEntry): void {
    this.#workloads.delete(view.path);
    this.#selectors.removeWorkload(view);
    for (const service of services) this.#services.get(service)?.members.delete(view.path);
    this.#addresses.removeWorkload(view);
  }

  /** Undefined: the workload is none of them. */
  #memberEndpoint(
    { view, members }: ServiceEntry,
    path: ObjectPath,
    port: ServicePortView,
  ): EndpointView | undefined {
    const workload = members.has(path) ? this.#workloads.get(path)?.view : undefined;
    if (workload === undefined || (workload.health === "lost" && !view.publishNotReadyAddresses))
      return undefined;
    return workloadEndpoint(workload, port);
  }

  #computeEndpoints(entry: ServiceEntry, port: ServicePortView): readonly EndpointView[] {
    const { view, members } = entry;
    const found = new Map<ObjectPath, EndpointView>();
    if (view.selector === undefined) {
      for (const path of [...(this.#slicesOfService.get(view.path) ?? none)].toSorted()) {
        const slice = this.#slices.get(path);
        if (slice !== undefined) this.#addSliceEndpoints(slice, port, found);
      }
    } else {
      for (const path of members) {
        const endpoint = this.#memberEndpoint(entry, path, port);
        if (endpoint !== undefined) found.set(endpoint.workload, endpoint);
      }
    }
    return [...found.values()]
      .filter(({ health }) => health !== "lost" || view.publishNotReadyAddresses)
      .toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
  }

  #addSliceEndpoints(slice: SliceView, port: ServicePortView, found: Map<ObjectPath, EndpointView>): void {
    const number = slicePortNumber(slice, port);
    if (number === undefined) return;
    for (const entry of slice.addresses) {
      const workload = this.#addresses.workload(entry.address);
      const endpoint =
        workload === undefined
          ? foreignEndpoint(slice, entry, number)
          : endpointAt(workload, entry.address, number);
      // Both opinions count: the slice's author may know of an application what the mesh cannot see.
      const health = entry.health === "live" ? endpoint.health : entry.health;
      const known = found.get(endpoint.workload);
      if (known === undefined) found.set(endpoint.workload, { ...endpoint, health });
      // Several programs at one address that is no workload's, told apart by their ports.
      else if (known.port !== number && workload === undefined) {
        const name = `${endpoint.workload}:${number}`;
        if (!found.has(name)) found.set(name, { ...endpoint, workload: name, health });
      }
    }
  }

  #noteService(view: ServiceView, members: ReadonlySet<ObjectPath>, changes: ChangeSet): void {
    changes.services.add(view.path);
    changes.noteEndpoints(view.path);
    // Whose services they are is part of what is told about workloads.
    addAll(changes.workloads, members);
    addAll(changes.addresses, view.addresses);
  }

  /** `other`: what it was before, or is now; undefined: there is none. */
  #noteWorkload(
    { view, services }: WorkloadEntry,
    other: WorkloadEntry | undefined,
    changes: ChangeSet,
  ): void {
    changes.workloads.add(view.path);
    addAll(changes.addresses, view.addresses);
    for (const service of services) {
      const isSame = other?.services.has(service) === true && isAlikeMember(view, other.view);
      this.#services.get(service)?.endpoints.clear();
      changes.noteMember(service, view.path, !isSame);
    }
    for (const address of view.addresses) {
      for (const path of this.#slicesAtAddress.get(address) ?? none) {
        const slice = this.#slices.get(path);
        if (slice !== undefined) this.#noteEndpoints(slice.service, changes);
      }
    }
  }

  #noteEndpoints(service: ObjectPath, changes: ChangeSet): void {
    this.#services.get(service)?.endpoints.clear();
    changes.noteEndpoints(service);
  }
}

/** An endpoint of the same ports of a service, or of none in both. */
function isAlikeMember(a: WorkloadView, b: WorkloadView): boolean {
  return (a.health === "lost") === (b.health === "lost") && Bun.deepEquals(a.ports, b.ports, true);
}

function portOf(service: ServiceView, port: number, transport: "TCP" | "UDP"): ServicePortView | undefined {
  return service.ports.find((candidate) => candidate.port === port && candidate.transport === transport);
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  const existing = index.get(key);
  if (existing === undefined) index.set(key, new Set([value]));
  else existing.add(value);
}

function removeFrom(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  values?.delete(value);
  if (values?.size === 0) index.delete(key);
}
