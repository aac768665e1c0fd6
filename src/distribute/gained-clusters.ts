/** Clusters that a subscriber wants since its last change: it is sent whole ones where it has nothing of them. */
import type { Interests } from "./interests.ts";
import type { MemberSet } from "./member-set.ts";

export interface GainedOptions {
  readonly interests: Pick<Interests<unknown>, "memberSet" | "members">;
  /** The subscriber has, rejected and waits for nothing of it. */
  readonly isNew: (set: MemberSet) => boolean;
  /** An endpoint of any other cluster. */
  readonly onEndpoint: (key: string, revision: number) => void;
}

export class GainedClusters {
  /** To the lowest revision for which it is waited. */
  readonly #revisions = new Map<string, number>();

  add(cluster: string, revision: number): void {
    this.#revisions.set(cluster, revision);
  }

  delete(cluster: string): void {
    this.#revisions.delete(cluster);
  }

  get revisions(): Iterable<number> {
    return this.#revisions.values();
  }

  /** Returns those that are sent whole; there are none afterwards. */
  take({ interests, isNew, onEndpoint }: GainedOptions): {
    readonly sets: MemberSet[];
    readonly lowestRevision: number;
  } {
    const sets: MemberSet[] = [];
    let lowestRevision = Number.POSITIVE_INFINITY;
    for (const [cluster, revision] of this.#revisions) {
      const set = interests.memberSet(cluster);
      if (set === undefined || !isNew(set)) {
        for (const endpoint of interests.members(cluster)) onEndpoint(endpoint, revision);
      } else if (set.resources.size > 0) {
        sets.push(set);
        lowestRevision = Math.min(lowestRevision, revision);
      }
    }
    this.#revisions.clear();
    return { sets, lowestRevision };
  }
}
