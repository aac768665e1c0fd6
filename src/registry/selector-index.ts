/**
 * Which services select which workloads, in both directions, at a cost that follows the labels of what changed and not
 * the size of the mesh: a service is filed under one pair of its selector, a workload under each of its labels.
 */
import { matchLabels } from "../api/index.ts";

export interface Selecting {
  readonly path: string;
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>> | undefined;
}

export interface Selectable {
  readonly path: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class SelectorIndex {
  readonly #services = new Map<string, Map<string, Selecting>>();
  readonly #workloads = new Map<string, Map<string, Selectable>>();

  /** Paths of the workloads that it selects. */
  addService(service: Selecting): string[] {
    const candidates: (ReadonlyMap<string, Selectable> | undefined)[] = [];
    const [first] = pairsOf(service.namespace, service.selector ?? {});
    if (first === undefined) return [];
    put(this.#services, first, service);
    for (const pair of pairsOf(service.namespace, service.selector ?? {}))
      candidates.push(this.#workloads.get(pair));
    // All pairs must hold, so the rarest one's workloads are enough to look at; a pair that nobody has settles it.
    let smallest: ReadonlyMap<string, Selectable> | undefined = candidates[0];
    for (const candidate of candidates) {
      if (candidate === undefined) return [];
      if (smallest === undefined || candidate.size < smallest.size) smallest = candidate;
    }
    return [...(smallest?.values() ?? [])]
      .filter((workload) => matchLabels(service.selector, workload.labels))
      .map(({ path }) => path);
  }

  removeService(service: Selecting): void {
    const [first] = pairsOf(service.namespace, service.selector ?? {});
    if (first !== undefined) take(this.#services, first, service.path);
  }

  /** Paths of the services that select it. */
  addWorkload(workload: Selectable): string[] {
    const services: string[] = [];
    for (const pair of pairsOf(workload.namespace, workload.labels)) {
      put(this.#workloads, pair, workload);
      for (const service of this.#services.get(pair)?.values() ?? []) {
        if (matchLabels(service.selector, workload.labels)) services.push(service.path);
      }
    }
    return services;
  }

  removeWorkload(workload: Selectable): void {
    for (const pair of pairsOf(workload.namespace, workload.labels))
      take(this.#workloads, pair, workload.path);
  }
}

/** Sorted, so that a service is found again under the same pair whatever the order of its selector's keys. */
function pairsOf(namespace: string, labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels)
    .map(([key, value]) => `${namespace} ${key}=${value}`)
    .toSorted();
}

function put<T extends { readonly path: string }>(
  index: Map<string, Map<string, T>>,
  pair: string,
  value: T,
): void {
  const existing = index.get(pair);
  if (existing === undefined) index.set(pair, new Map([[value.path, value]]));
  else existing.set(value.path, value);
}

function take<T>(index: Map<string, Map<string, T>>, pair: string, path: string): void {
  const entries = index.get(pair);
  entries?.delete(path);
  if (entries?.size === 0) index.delete(pair);
}
