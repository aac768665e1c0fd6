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
