/** Where what is written on lines stands, so that nothing is written over something else while there is room. */
import type { Place } from "./layered-layout.ts";

export const labelHeight = 18;

export interface Label {
  readonly width: number;
  /** Where it may stand, the best first. */
  readonly places: readonly Place[];
}

const gap = 2;

/** In their order: those that come first have the best places. Where every place is taken, the best all the same. */
export function placeLabels<L extends Label>(labels: readonly L[]): (readonly [L, Place])[] {
  const placed: (readonly [L, Place])[] = [];
  for (const label of labels) {
    const [best] = label.places;
    if (best === undefined) continue;
    const isFree = ({ x, y }: Place): boolean =>
      !placed.some(
        ([other, at]) =>
          Math.abs(x - at.x) < (label.width + other.width) / 2 + gap &&
          Math.abs(y - at.y) < labelHeight + gap,
      );
    placed.push([label, label.places.find(isFree) ?? best]);
  }
  return placed;
}
