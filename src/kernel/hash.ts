/**
 * The hash of everything that must come out the same in every proxy, in a simulation and in every release: places of
 * endpoints in tables, keys of requests, session tokens, shares of requests. XXH32 is a published algorithm, so what it gives
 * does not change with the runtime.
 */

/** Of the text in UTF-8; an integer in [0, 2^32). */
export function hash32(text: string, seed = 0): number {
  return Bun.hash.xxHash32(text, seed);
}

/** The finisher of MurmurHash3: another number of 32 bits of which each depends on all of `value`'s. */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
