/** What was sent to one subscriber and is not yet answered: an answer makes of it what the subscriber is known to have. */
import type { MemberSet } from "./member-set.ts";
import { type Closure, emptyClosure, type ResourceKind, type ResourceName } from "./resource-source.ts";
import type { Wishes } from "./wishes.ts";

export interface SentItem extends ResourceName {
  /** Empty: removed. */
  readonly version: string;
  readonly closure: Closure;
  /** Whether the name was still wanted when it was removed. */
  readonly isAnswer: boolean;
}

interface SentChangeFacts {
  readonly sequence: number;
  /** The newest when it was sent. */
  readonly revision: number;
  readonly lowestRevision: number;
  /** When the first of it became dirty. */
  readonly sinceUs: number;
  /** Endpoints that were sent as one; none of them is among the items. */
  readonly sets: readonly MemberSet[];
}

export class SentChange {
  readonly sequence: number;
  readonly revision: number;
  readonly lowestRevision: number;
  readonly sinceUs: number;
  readonly sets: readonly MemberSet[];
  /** A list and no table: it is walked once, and looked through only where a name is given up meanwhile. */
  readonly #items: SentItem[];

  constructor({ sequence, revision, lowestRevision, sinceUs, sets }: SentChangeFacts, items: SentItem[]) {
    this.sequence = sequence;
    this.revision = revision;
    this.lowestRevision = lowestRevision;
    this.sinceUs = sinceUs;
    this.sets = sets;
    this.#items = items;
  }

  get items(): readonly SentItem[] {
    return this.#items;
  }

  has(kind: ResourceKind, key: string): boolean {
    const isInSet = kind === "Endpoint" && this.sets.some(({ resources }) => resources.has(key));
    return isInSet || this.#indexOf(kind, key) >= 0;
  }

  /** Its answer says nothing of the name any more. */
  forget(kind: ResourceKind, key: string): void {
    const index = this.#indexOf(kind, key);
    if (index >= 0) this.#items.splice(index, 1);
  }

  /** Those of which single endpoints are among the items, and that are still wanted. */
  *clusters(wishes: Pick<Wishes<never>, "clusterOf">): Iterable<string> {
    let last: string | undefined;
    for (const { kind, key } of this.#items) {
      const cluster = kind === "Endpoint" ? wishes.clusterOf(key) : undefined;
      if (cluster !== undefined && cluster !== last) yield cluster;
      last = cluster;
    }
  }

  #indexOf(kind: ResourceKind, key: string): number {
    return this.#items.findIndex((item) => item.kind === kind && item.key === key);
  }
}

export function* itemsOfSet({ resources }: MemberSet): Iterable<SentItem> {
  for (const [key, { version }] of resources) {
    yield { kind: "Endpoint", key, version, closure: emptyClosure, isAnswer: true };
  }
}
