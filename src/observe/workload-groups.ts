/** Which group a workload is counted with at the level of services. Groups change while proxies report; each has a version that says so. */

export interface WorkloadGroup {
  /** "namespace/name" of a service or a group; the workload's own where it belongs to none. */
  id: string;
  /** Rises when `id` changes. */
  version: number;
}

/** Workloads of a mesh ten times as large as the largest that was tried. */
const maxKept = 50_000;

export class WorkloadGroups {
  readonly #resolve: (workload: string) => string | undefined;
  readonly #groups = new Map<string, WorkloadGroup>();

  constructor(resolve: (workload: string) => string | undefined) {
    this.#resolve = resolve;
  }

  of(workload: string): WorkloadGroup {
    const known = this.#groups.get(workload);
    if (known !== undefined) return known;
    if (this.#groups.size >= maxKept) this.#groups.clear();
    const group = { id: this.#idOf(workload), version: 1 };
    this.#groups.set(workload, group);
    return group;
  }

  /** Something that a group may follow from has changed. */
  changed(workloads: Iterable<string>): void {
    for (const workload of workloads) {
      const group = this.#groups.get(workload);
      if (group === undefined) continue;
      const id = this.#idOf(workload);
      if (id === group.id) continue;
      group.id = id;
      group.version++;
    }
  }

  #idOf(workload: string): string {
    // One that is gone stays where it was counted before: nobody else has its name.
    return this.#resolve(workload) ?? this.#groups.get(workload)?.id ?? workload;
  }
}
