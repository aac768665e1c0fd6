/** Collects what changed during one update of the registry. */
import type { ObjectPath, RegistryChange } from "./view.ts";

export class ChangeSet implements RegistryChange {
  readonly services = new Set<ObjectPath>();
  readonly workloads = new Set<ObjectPath>();
  readonly endpoints = new Set<ObjectPath>();
  readonly addresses = new Set<string>();

  get isEmpty(): boolean {
    return this.services.size + this.workloads.size + this.endpoints.size + this.addresses.size === 0;
  }
}

export function addAll<T>(set: Set<T>, values: Iterable<T>): void {
  for (const value of values) set.add(value);
}
