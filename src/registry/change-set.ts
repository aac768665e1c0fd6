/** Collects what changed during one update of the registry. */
import type { ChangedMembers, ObjectPath, RegistryChange } from "./view.ts";

export class ChangeSet implements RegistryChange {
  readonly services = new Set<ObjectPath>();
  readonly workloads = new Set<ObjectPath>();
  readonly endpoints = new Set<ObjectPath>();
  readonly changedMembers = new Map<ObjectPath, ChangedMembers & { readonly workloads: Set<ObjectPath> }>();
  readonly addresses = new Set<string>();

  /** Any endpoint of the service may be another one. */
  noteEndpoints(service: ObjectPath): void {
    this.endpoints.add(service);
    this.changedMembers.delete(service);
  }

  /** One workload's endpoints of the service are others; `isSetChanged`: or are there where there were none, or the other way round. */
  noteMember(service: ObjectPath, workload: ObjectPath, isSetChanged: boolean): void {
    const known = this.changedMembers.get(service);
    // All of the service is noted already.
    if (known === undefined && this.endpoints.has(service)) return;
    this.endpoints.add(service);
    this.changedMembers.set(service, {
      workloads: (known?.workloads ?? new Set()).add(workload),
      isSetChanged: isSetChanged || known?.isSetChanged === true,
    });
  }

  get isEmpty(): boolean {
    return this.services.size + this.workloads.size + this.endpoints.size + this.addresses.size === 0;
  }
}

export function addAll<T>(set: Set<T>, values: Iterable<T>): void {
  for (const value of values) set.add(value);
}
