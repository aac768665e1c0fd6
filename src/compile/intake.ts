/**
 * Takes objects in, one by one: a defect of ours in one of them must not take down the others of a change, nor what the object
 * replaces. And knows which version of an object holds whose newest cannot be used.
 */
import { keyOf, keyText, type ObjectKey, type Stored } from "../api/index.ts";
import { errorLine } from "../kernel/index.ts";
import { applyObject, removeObject } from "./input-change.ts";
import type { Inputs } from "./inputs.ts";

/** A version that could not even be read. */
export interface Refused {
  readonly object: Stored;
  readonly why: string;
}

export class Intake {
  readonly #inputs: Inputs;
  /** What was read last of each object. */
  readonly #taken = new Map<string, Stored>();
  readonly #refused = new Map<string, Refused>();
  /** What holds in the place of the newest version, where that cannot be used. */
  readonly #inForce = new Map<string, Stored>();
  readonly #unusable = new Set<string>();

  constructor(inputs: Inputs) {
    this.#inputs = inputs;
  }

  /** Returns defects, for the log. */
  take(object: Stored, dirty: Set<string>): string[] {
    const key = keyOf(object);
    const text = keyText(key);
    // Its own result may be the same as before, and still has to take the place of the refusal.
    if (this.#refused.delete(text)) dirty.add(`status ${text}`);
    try {
      applyObject(this.#inputs, object, dirty);
      this.#remember(text, object);
      return [];
    } catch (error) {
      const why = errorLine(error);
      this.#refused.set(text, { object, why });
      dirty.add(`status ${text}`);
      return [`${text}: ${why}`, ...this.#restore(key, dirty)];
    }
  }

  remove(key: ObjectKey, dirty: Set<string>): void {
    const text = keyText(key);
    for (const known of [this.#taken, this.#refused, this.#inForce, this.#unusable]) known.delete(text);
    removeObject(this.#inputs, key, dirty);
  }

  refused(key: string): Refused | undefined {
    return this.#refused.get(key);
  }

  taken(key: string): Stored | undefined {
    return this.#taken.get(key);
  }

  /** The last version that could be used, of an object whose newest cannot be; undefined: there was none. */
  inForce(key: string): Stored | undefined {
    return this.#refused.has(key) ? (this.#inForce.get(key) ?? this.#taken.get(key)) : this.#inForce.get(key);
  }

  /** What was found out of the version that was taken in last; to be told before the next one is. */
  judged(key: string, isUsable: boolean): void {
    if (isUsable) this.#inForce.delete(key);
    if (isUsable) this.#unusable.delete(key);
    else this.#unusable.add(key);
  }

  #remember(text: string, object: Stored): void {
    const before = this.#taken.get(text);
    const isGood = before !== undefined && !this.#unusable.has(text);
    if (isGood && !this.#inForce.has(text)) this.#inForce.set(text, before);
    this.#taken.set(text, object);
  }

  /** A defect that persists, in taking it away or in its last version, leaves what the inputs have of it. */
  #restore(key: ObjectKey, dirty: Set<string>): string[] {
    const text = keyText(key);
    try {
      removeObject(this.#inputs, key, dirty);
      const last = this.#taken.get(text);
      if (last !== undefined) applyObject(this.#inputs, last, dirty);
      return [];
    } catch (error) {
      return [`${text}, its last version: ${errorLine(error)}`];
    }
  }
}
