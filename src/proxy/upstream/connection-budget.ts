/**
 * Connections that all endpoints of one cluster may have together. A pool that finds no place left gets that of a
 * connection which is idle at another endpoint; where all are busy it waits for the first that is not needed any more.
 */

/** A pool of one endpoint. */
export interface BudgetMember {
  /** It would open a connection if it might. */
  readonly wantsConnection: boolean;
  /** There may be room now. */
  onRoom(): void;
  /** Closes the connection that has been idle longest. False: none is idle. */
  dropOldestIdle(): boolean;
}

export class ConnectionBudget {
  readonly max: number;
  #open = 0;
  readonly #members = new Set<BudgetMember>();
  /** In the order in which they asked. */
  readonly #waiting = new Set<BudgetMember>();

  constructor(max: number) {
    this.max = max;
  }

  get open(): number {
    return this.#open;
  }

  get hasRoom(): boolean {
    return this.#open < this.max;
  }

  /** Somebody waits for a connection that another endpoint's pool does not need. */
  get isWanted(): boolean {
    for (const member of this.#waiting) {
      if (member.wantsConnection) return true;
      this.#waiting.delete(member);
    }
    return false;
  }

  join(member: BudgetMember): void {
    this.#members.add(member);
  }

  leave(member: BudgetMember): void {
    this.#members.delete(member);
    this.#waiting.delete(member);
  }

  /** Counts one connection. False: there is no place; the member is told when there is. */
  take(member: BudgetMember): boolean {
    if (this.hasRoom || this.#makeRoom(member)) {
      this.#open++;
      this.#waiting.delete(member);
      return true;
    }
    this.#waiting.add(member);
    return false;
  }

  /** For one that belongs to no pool and does not wait. */
  takeAtOnce(): boolean {
    if (!this.hasRoom && !this.#makeRoom(undefined)) return false;
    this.#open++;
    return true;
  }

  /** Exactly once for each connection that was counted, when it is gone. */
  release(): void {
    this.#open--;
    for (const member of this.#waiting) {
      if (!this.hasRoom) return;
      this.#waiting.delete(member);
      member.onRoom();
    }
  }

  #makeRoom(asking: BudgetMember | undefined): boolean {
    for (const member of this.#members) {
      if (member === asking || !member.dropOldestIdle()) continue;
      // Whoever asked before may have taken it.
      if (this.hasRoom) return true;
    }
    return false;
  }
}
