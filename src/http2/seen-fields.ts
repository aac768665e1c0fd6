/**
 * Remembers fields that were sent lately and are not in the encoder's table, so that a field gets a place there when it
 * comes again: what comes once (an identifier, a date, another user's cookie) would only push out what stays. A small
 * memory of pairs of places: the third field that belongs into a pair takes the place of the older one there.
 */

/** A few requests' worth of fields. A power of two. */
const slots = 128;

export class SeenFields {
  /** None before the first field, since most connections of a process may be idle. */
  #names: string[] = [];
  #values: string[] = [];

  /** Whether the field was seen lately; it is from now on. */
  see(name: string, value: string): boolean {
    if (this.#names.length === 0) {
      this.#names = Array<string>(slots).fill("");
      this.#values = Array<string>(slots).fill("");
    }
    const slot = slotOf(name, value);
    if (this.#isAt(slot, name, value) || this.#isAt(slot ^ 1, name, value)) return true;
    this.#names[slot ^ 1] = this.#names[slot] ?? "";
    this.#values[slot ^ 1] = this.#values[slot] ?? "";
    this.#names[slot] = name;
    this.#values[slot] = value;
    return false;
  }

  #isAt(slot: number, name: string, value: string): boolean {
    return this.#values[slot] === value && this.#names[slot] === name;
  }
}

/** A few characters tell most fields apart. The lowest bit is 0: it tells the places of a pair. */
function slotOf(name: string, value: string): number {
  const length = value.length;
  const last = length === 0 ? 0 : value.charCodeAt(length - 1);
  const middle = length === 0 ? 0 : value.charCodeAt(length >> 1);
  const mixed = name.length * 31 + name.charCodeAt(name.length - 1) * 17 + length * 7 + last * 5 + middle * 3;
  return (mixed ^ (mixed >>> 6)) & (slots - 2);
}
