/**
 * Who owns an address. A service's virtual IP comes before a workload's own address; of several workloads with one
 * address (a new one that was given the address of one that died) the one that is alive, then the first by name.
 */
import type { AddressOwner, ServiceView, WorkloadView } from "./view.ts";

interface Claims {
  readonly services: Map<string, ServiceView>;
  readonly workloads: Map<string, WorkloadView>;
}

export class AddressIndex {
  readonly #claims = new Map<string, Claims>();

  addService(service: ServiceView): void {
    for (const address of service.addresses) this.#claimsOf(address).services.set(service.path, service);
  }

  removeService(service: ServiceView): void {
    for (const address of service.addresses)
      this.#release(address, (claims) => claims.services.delete(service.path));
  }

  addWorkload(workload: WorkloadView): void {
    for (const address of workload.addresses) this.#claimsOf(address).workloads.set(workload.path, workload);
  }

  removeWorkload(workload: WorkloadView): void {
    for (const address of workload.addresses)
      this.#release(address, (claims) => claims.workloads.delete(workload.path));
  }

  owner(address: string): AddressOwner | undefined {
    const claims = this.#claims.get(address);
    const service = first(claims?.services.values());
    if (service !== undefined) return { kind: "service", service };
    const workload = this.workload(address);
    return workload === undefined ? undefined : { kind: "workload", workload };
  }

  /** The workload at an address, whether or not a service has the address too. */
  workload(address: string): WorkloadView | undefined {
    const workloads = [...(this.#claims.get(address)?.workloads.values() ?? [])];
    return first(workloads.filter(({ health }) => health !== "lost")) ?? first(workloads);
  }

  #claimsOf(address: string): Claims {
    const existing = this.#claims.get(address);
    if (existing !== undefined) return existing;
    const created: Claims = { services: new Map(), workloads: new Map() };
    this.#claims.set(address, created);
    return created;
  }

  #release(address: string, remove: (claims: Claims) => void): void {
    const claims = this.#claims.get(address);
    if (claims === undefined) return;
    remove(claims);
    if (claims.services.size + claims.workloads.size === 0) this.#claims.delete(address);
  }
}

function first<T extends { readonly path: string }>(values: Iterable<T> | undefined): T | undefined {
  let best: T | undefined;
  for (const value of values ?? []) if (best === undefined || value.path < best.path) best = value;
  return best;
}
