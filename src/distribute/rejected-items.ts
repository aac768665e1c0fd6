/**
 * What one proxy refused and perhaps does not have. What was refused together is sent again together, once one of it differs: a
 * cluster may have been refused for nothing but the outbound beside it. By itself nothing of it is: it would be refused again.
 */
import { ItemMap } from "./item-map.ts";
import type { ResourceKind, ResourceName } from "./resource-source.ts";

export interface Rejection {
  readonly sequence: number;
  readonly message: string;
}

/** One resource that a proxy cannot use: it keeps what it had of it. */
export interface RefusedResource extends ResourceName {
  readonly why: string;
  /** The change with which it was sent. */
  readonly sequence: number;
  /** The oldest commit that made it what it is; infinite: something else did. */
  readonly fromRevision: number;
  /** The newest revision when it was sent. */
  readonly revision: number;
}

/** What one answer refused. */
export interface RejectedGroup extends Rejection {
  readonly items: Set<ResourceName>;
  readonly lowestRevision: number;
  readonly revision: number;
}

interface RejectedItem {
  readonly version: string;
  readonly why: string;
  readonly group: RejectedGroup;
}

export class RejectedItems {
  readonly #items = new ItemMap<RejectedItem>();
  readonly #groups = new Set<RejectedGroup>();

  get size(): number {
    return this.#items.size;
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#items.has(kind, key);
  }

  /** That was refused; empty: its removal. Undefined: it is not refused. */
  version(kind: ResourceKind, key: string): string | undefined {
    return this.#items.get(kind, key)?.version;
  }

  add(
    group: RejectedGroup,
    { kind, key }: ResourceName,
    { version, why }: Omit<RejectedItem, "group">,
  ): void {
    this.delete(kind, key);
    group.items.add({ kind, key });
    this.#items.set(kind, key, { version, why, group });
    this.#groups.add(group);
  }

  /** True: it was refused. */
  delete(kind: ResourceKind, key: string): boolean {
    if (this.#items.size === 0) return false;
    const rejected = this.#items.get(kind, key);
    if (rejected === undefined) return false;
    this.#items.delete(kind, key);
    const { group } = rejected;
    for (const name of group.items) if (name.kind === kind && name.key === key) group.items.delete(name);
    if (group.items.size === 0) this.#groups.delete(group);
    return true;
  }

  /** All that was refused together with it is refused no more. */
  release(kind: ResourceKind, key: string): RejectedGroup | undefined {
    const group = this.#items.get(kind, key)?.group;
    if (group === undefined) return undefined;
    for (const name of group.items) this.#items.delete(name.kind, name.key);
    this.#groups.delete(group);
    return group;
  }

  /** Of the commits that are not wholly taken because of it. */
  get lowestRevision(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const group of this.#groups) lowest = Math.min(lowest, group.lowestRevision);
    return lowest;
  }

  get newest(): Rejection | undefined {
    let newest: RejectedGroup | undefined;
    for (const group of this.#groups)
      if (newest === undefined || group.sequence > newest.sequence) newest = group;
    return newest === undefined ? undefined : { sequence: newest.sequence, message: newest.message };
  }

  /** In no particular order. */
  list(): RefusedResource[] {
    return [...this.#items.names()].flatMap(({ kind, key }) => {
      const item = this.#items.get(kind, key);
      if (item === undefined) return [];
      const { sequence, lowestRevision, revision } = item.group;
      return [{ kind, key, why: item.why, sequence, fromRevision: lowestRevision, revision }];
    });
  }
}
