/** A place on hash tables for what has no key. */

/** In [0, 2^32); `random` gives numbers in [0, 1). */
export function randomHash(random: () => number): number {
  return Math.floor(random() * 0x1_0000_0000);
}
