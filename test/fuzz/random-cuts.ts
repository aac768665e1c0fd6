/** Streams in pieces, for readers that must not see where one ends. */
import type { Random } from "./mutate.ts";

/** Where to cut so many bytes, ascending, the end included: mostly into crumbs, at times into large pieces. */
export function randomCuts(random: Random, length: number): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < length; ) {
    at = Math.min(length, at + 1 + random.below(random.below(4) === 0 ? length : 12));
    cuts.push(at);
  }
  return cuts;
}

/** All of `bytes`, in order, cut there. */
export function randomPieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  const cuts = randomCuts(random, bytes.length);
  return cuts.map((to, i) => bytes.subarray(cuts[i - 1] ?? 0, to));
}
