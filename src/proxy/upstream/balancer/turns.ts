/** Whose turn it is, without a view on who is fit: an endless sequence in proportion to the weights. */
import { type BalancerMember, indexIn, indexMembers } from "./member.ts";

export interface Turns<M> {
  /** Takes one turn; its owner. There is at least one member. */
  next(): M | undefined;
}

/** Goes on where `before` was. A sequence that begins does so at a random place. */
export function takeTurns<M extends BalancerMember>(
  members: readonly M[],
  random: () => number,
  before: Turns<M> | undefined,
): Turns<M> {
  const weight = members[0]?.weight;
  return members.every((member) => member.weight === weight)
    ? new Rotation(members, random, before)
    : new Deadlines(members, random, before);
}

/** How many members that left in a row are looked past for one to go on with. */
const maxLeft = 16;

/** Equal weights: one after another. */
class Rotation<M extends BalancerMember> implements Turns<M> {
  readonly #members: readonly M[];
  #position: number;

  constructor(members: readonly M[], random: () => number, before: Turns<M> | undefined) {
    this.#members = members;
    const next = before instanceof Rotation ? before.#placeIn(members) : -1;
    this.#position = next < 0 ? Math.floor(random() * members.length) : next;
  }

  next(): M | undefined {
    const member = this.#members[this.#position];
    this.#position = (this.#position + 1) % this.#members.length;
    return member;
  }

  /** Where the next member that is still there stands in `members`; -1: nowhere. */
  #placeIn(members: readonly M[]): number {
    const own = this.#members;
    for (let i = 0; i < Math.min(maxLeft, own.length); i++) {
      const candidate = own[(this.#position + i) % own.length];
      const place = candidate === undefined ? -1 : members.indexOf(candidate);
      if (place >= 0) return place;
    }
    return -1;
  }
}

/** Above this, deadlines are moved back: they must stay exact to a small fraction of one turn. */
const maxDeadline = 1_000_000;

/** Unequal weights: a heap of members by the deadline of their next turn. O(log n) for a turn. */
class Deadlines<M extends BalancerMember> implements Turns<M> {
  readonly #members: readonly M[];
  /** By member. The unit is a turn of a member of mean weight. */
  readonly #deadlines: Float64Array;
  readonly #steps: Float64Array;
  /** Indexes of members; each one's deadline is not after its children's. */
  readonly #heap: Uint32Array;

  constructor(members: readonly M[], random: () => number, before: Turns<M> | undefined) {
    const count = members.length;
    this.#members = members;
    this.#deadlines = new Float64Array(count);
    this.#steps = new Float64Array(count);
    this.#heap = new Uint32Array(count);
    const meanWeight = members.reduce((sum, { weight }) => sum + weight, 0) / count;
    if (before instanceof Deadlines) before.#indexRemaining();
    for (let index = 0; index < count; index++) {
      const member = members[index];
      const step = meanWeight / (member?.weight ?? 1);
      const left =
        before instanceof Deadlines && member !== undefined ? before.#remaining(member) : undefined;
      this.#steps[index] = step;
      this.#deadlines[index] = Math.min(left ?? random() * step, step);
      this.#heap[index] = index;
    }
    for (let place = (count >> 1) - 1; place >= 0; place--) this.#sink(place);
  }

  next(): M | undefined {
    const first = this.#heap[0] ?? 0;
    const deadline = this.#deadlines[first] ?? 0;
    this.#deadlines[first] = deadline + (this.#steps[first] ?? 1);
    this.#sink(0);
    if (deadline > maxDeadline) this.#moveBack(deadline);
    return this.#members[first];
  }

  #indexRemaining(): void {
    indexMembers(this.#members);
    this.#moveBack(this.#at(0));
  }

  /** Until the member's next turn. Undefined: it was not here. */
  #remaining(member: M): number | undefined {
    const index = indexIn(this.#members, member);
    return index < 0 ? undefined : this.#deadlines[index];
  }

  #moveBack(by: number): void {
    for (let i = 0; i < this.#deadlines.length; i++) this.#deadlines[i] = (this.#deadlines[i] ?? 0) - by;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from] ?? 0;
    const deadline = this.#deadlines[moved] ?? 0;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#at(child + 1) < this.#at(child)) child++;
      if (this.#at(child) >= deadline) break;
      heap[place] = heap[child] ?? 0;
      place = child;
    }
    heap[place] = moved;
  }

  #at(place: number): number {
    return this.#deadlines[this.#heap[place] ?? 0] ?? 0;
  }
}
