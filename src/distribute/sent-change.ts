/** What was sent to one subscriber and is not yet answered: an answer makes of it what the subscriber is known to have. */
import type { Closure, ResourceKind, ResourceName } from "./resource-source.ts";

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
}

export class SentChange {
  readonly sequence: number;
  readonly revision: number;
  readonly lowestRevision: number;
  readonly sinceUs: number;
  /** A list and no table: it is walked once, and looked through only where a name is given up meanwhile. */
  readonly #items: SentItem[];

  constructor({ sequence, revision, lowestRevision, sinceUs }: SentChangeFacts, items: SentItem[]) {
    this.sequence = sequence;
    this.revision = revision;
    this.lowestRevision = lowestRevision;
    this.sinceUs = sinceUs;
    this.#items = items;
  }

  get items(): readonly SentItem[] {
    return this.#items;
  }

  has(kind: ResourceKind, key: string): boolean {
    return this.#indexOf(kind, key) >= 0;
  }

  /** Its answer says nothing of the name any more. */
  forget(kind: ResourceKind, key: string): void {
    const index = this.#indexOf(kind, key);
    if (index >= 0) this.#items.splice(index, 1);
  }

  #indexOf(kind: ResourceKind, key: string): number {
    return this.#items.findIndex((item) => item.kind === kind && item.key === key);
  }
}
