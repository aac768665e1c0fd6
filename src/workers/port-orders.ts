/**
 * Whose listeners stand in which order at each place: those of a process that is being taken over, ours, and those of one that takes
 * over. Right as long as only one begins to listen at a time, which turns see to.
 */
import { ReusePortOrder } from "../net/index.ts";
import type { TakenPlace } from "./hand-over-messages.ts";
import { type Place, placeText } from "./messages.ts";

/** A worker by its index, or one of another process's listeners. */
type Member = number | `old ${number}` | `next ${number}`;

interface Entry {
  readonly place: Place;
  readonly order: ReusePortOrder<Member>;
}

export class PortOrders {
  readonly #entries = new Map<string, Entry>();

  /** Listeners of the process before, which were there first. */
  constructor(taken: readonly TakenPlace[]) {
    for (const place of taken) {
      const { order } = this.#entryOf(place);
      for (let i = 0; i < place.count; i++) order.add(`old ${i}`);
    }
  }

  /** What the worker has open now. */
  update(worker: number, listeners: readonly Place[]): void {
    const open = new Set(listeners.map(placeText));
    for (const place of listeners) {
      const { order } = this.#entryOf(place);
      if (!order.members.includes(worker)) order.add(worker);
    }
    for (const [key, { order }] of this.#entries) {
      if (!open.has(key)) order.remove(worker);
      if (order.members.length === 0) this.#entries.delete(key);
    }
  }

  /** The process before has closed its listeners, from the last to the first. */
  removeOld(taken: readonly TakenPlace[]): void {
    for (const place of taken) {
      const order = this.#entries.get(placeText(place))?.order;
      for (let i = place.count - 1; i >= 0; i--) order?.remove(`old ${i}`);
      if (order?.members.length === 0) this.#entries.delete(placeText(place));
    }
  }

  /** Places with the number of our listeners there. */
  places(): TakenPlace[] {
    return [...this.#entries.values()].map(({ place, order }) => ({
      ...place,
      count: order.members.filter((member) => typeof member === "number").length,
    }));
  }

  /**
   * How our listeners at a place are closed, one after another, from the last to the first: whose turn it is, and the numbers of those
   * of the next process at that moment. `count`: how many of those have begun to listen behind ours; 0: none will.
   */
  *retirements(place: Place, count: number): Generator<{ worker: number; targets: readonly number[] }> {
    const order = new ReusePortOrder<Member>();
    for (const member of this.#entries.get(placeText(place))?.order.members ?? []) order.add(member);
    const ours = order.members.filter((member) => typeof member === "number").toReversed();
    const next = Array.from({ length: count }, (_, i): Member => `next ${i}`);
    for (const member of next) order.add(member);
    for (const worker of ours) {
      yield { worker, targets: order.numbersOf(next) };
      order.remove(worker);
    }
  }

  #entryOf(place: Place): Entry {
    const key = placeText(place);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { address, port } = place;
    const created: Entry = { place: { address, port }, order: new ReusePortOrder() };
    this.#entries.set(key, created);
    return created;
  }
}
