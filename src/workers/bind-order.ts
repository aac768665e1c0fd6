/**
 * In which order workers stand at each place, as the kernel keeps it: who binds is the last, and when one goes, the last takes its
 * place. Right as long as only one binds at a time, which turns see to.
 */
import { type Place, placeText } from "./messages.ts";

export class BindOrder {
  readonly #orders = new Map<string, { readonly place: Place; readonly workers: number[] }>();

  /** What the worker has open now. */
  update(worker: number, listeners: readonly Place[]): void {
    const open = new Set(listeners.map(placeText));
    for (const place of listeners) {
      const key = placeText(place);
      const order = this.#orders.get(key) ?? { place, workers: [] };
      this.#orders.set(key, order);
      if (!order.workers.includes(worker)) order.workers.push(worker);
    }
    for (const [key, { workers }] of this.#orders) {
      if (open.has(key)) continue;
      const index = workers.indexOf(worker);
      const last = workers.at(-1);
      if (index < 0 || last === undefined) continue;
      workers[index] = last;
      workers.pop();
      if (workers.length === 0) this.#orders.delete(key);
    }
  }

  /** `count` listeners of another process, which had stood before ours, were closed from the last to the first: each gave its place to our last. */
  rotate(place: Place, count: number): void {
    const workers = this.#orders.get(placeText(place))?.workers ?? [];
    for (let i = 0; i < count; i++) {
      const last = workers.pop();
      if (last !== undefined) workers.unshift(last);
    }
  }

  places(): Place[] {
    return [...this.#orders.values()].map(({ place }) => place);
  }

  at(place: Place): readonly number[] {
    return this.#orders.get(placeText(place))?.workers ?? [];
  }
}
