/**
 * Remembers fields that were sent lately and are not in the encoder's table, so that a field gets a place there when it
 * comes again: what comes once (an identifier, a date, another user's cookie) would only push out what stays. A small
 * direct-mapped memory: a newer field takes the place of an older one.
 */

/** A few requests' worth of fields. A power of two. */
const slots = 64;

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
    if (this.#values[slot] === value && this.#names[slot] === name) return true;
    this.#names[slot] = name;
    this.#values[slot] = value;
    return false;
  }
}

/** Three characters tell most fields apart; where they do not, the newer one wins. */
function slotOf(name: string, value: string): number {
  const length = value.length;
  const last = length === 0 ? 0 : value.charCodeAt(length - 1);
  const middle = length === 0 ? 0 : value.charCodeAt(length >> 1);
  const mixed = name.length * 31 + name.charCodeAt(name.length - 1) * 17 + length * 7 + last * 5 + middle * 3;
  return (mixed ^ (mixed >>> 6)) & (slots - 1);
}
