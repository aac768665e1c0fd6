/**
 * Namespaces as boxes, laid out like nodes, with their services laid out inside; a few services need no boxes. Layers run to the
 * right or down, whichever is seen larger. Runs in a worker: plain data in, plain data out.
 */
import { type Box, layeredLayout, type Link, type Place, type Spacing } from "./layered-layout.ts";

interface LayoutNode extends Box {
  readonly group: string;
  /** A folded namespace stands for its box. */
  readonly isGroup: boolean;
}

export interface LayoutInput {
  readonly nodes: readonly LayoutNode[];
  readonly links: readonly Link[];
  /** Of the screen. */
  readonly width: number;
  readonly height: number;
}

export type Direction = "right" | "down";

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LayoutResult {
  readonly direction: Direction;
  readonly places: readonly (readonly [id: string, place: Place])[];
  readonly boxes: readonly (readonly [group: string, box: Rectangle])[];
  /** Points between both ends, by place in `links`. */
  readonly bends: readonly (readonly Place[])[];
  readonly width: number;
  readonly height: number;
}

/** Fewer nodes are told apart without boxes around them. */
const boxesFrom = 30;
const spacings: Readonly<Record<Direction, Spacing>> = {
  right: { betweenLayers: 150, withinLayer: 24 },
  down: { betweenLayers: 66, withinLayer: 30 },
};
const boxPadding = 22;
const boxTitle = 26;

export function groupedLayout(input: LayoutInput): LayoutResult {
  const right = layout(input, "right");
  const down = layout(input, "down");
  const scale = ({ width, height }: LayoutResult): number =>
    Math.min(input.width / Math.max(1, width), input.height / Math.max(1, height));
  return scale(down) > scale(right) ? down : right;
}

function layout({ nodes, links }: LayoutInput, direction: Direction): LayoutResult {
  const isFlat = nodes.length < boxesFrom;
  const keyOf = ({ id, group, isGroup }: LayoutNode): string =>
    isFlat ? "all" : isGroup || group === "" ? `node ${id}` : `group ${group}`;
  const members = Map.groupBy(nodes, keyOf);
  const containerOf = new Map(
    [...members].flatMap(([key, each]) => each.map(({ id }) => [id, key] as const)),
  );
  const inner = new Map(
    [...members].map(([key, each]) => [key, directed(each, within(links, each), direction)] as const),
  );
  // A box around one namespace alone says nothing.
  const isBoxed = (key: string): boolean => key.startsWith("group ") && members.size > 1;
  const outerBoxes = [...inner].map(([key, { width, height }]): Box => {
    const padding = isBoxed(key) ? 2 * boxPadding : 0;
    return { id: key, width: width + padding, height: height + padding + (isBoxed(key) ? boxTitle : 0) };
  });
  const outer = directed(outerBoxes, betweenContainers(links, containerOf), direction);
  const places: [string, Place][] = [];
  const boxes: [string, Rectangle][] = [];
  const origins = new Map<string, Place>();
  for (const { id: key, width, height } of outerBoxes) {
    const middle = outer.places.get(key) ?? { x: 0, y: 0 };
    const corner = { x: middle.x - width / 2, y: middle.y - height / 2 };
    const padding = isBoxed(key) ? boxPadding : 0;
    const origin = { x: corner.x + padding, y: corner.y + padding + (isBoxed(key) ? boxTitle : 0) };
    origins.set(key, origin);
    if (isBoxed(key)) boxes.push([key.slice("group ".length), { ...corner, width, height }]);
    for (const [id, place] of inner.get(key)?.places ?? []) places.push([id, shifted(place, origin)]);
  }
  const bends = links.map(({ from, to }) => {
    const [a = "", b = ""] = [containerOf.get(from), containerOf.get(to)];
    if (a !== b) return outer.bends.get(a)?.get(b) ?? [];
    const origin = origins.get(a) ?? { x: 0, y: 0 };
    return (inner.get(a)?.bends.get(from)?.get(to) ?? []).map((place) => shifted(place, origin));
  });
  return { direction, places, boxes, bends, width: outer.width, height: outer.height };
}

/** Downwards is to the right with the axes exchanged. */
function directed(
  boxes: readonly Box[],
  links: readonly Link[],
  direction: Direction,
): ReturnType<typeof layeredLayout> {
  const spacing = spacings[direction];
  if (direction === "right") return layeredLayout(boxes, links, spacing);
  const turned = layeredLayout(
    boxes.map(({ id, width, height }) => ({ id, width: height, height: width })),
    links,
    spacing,
  );
  const turn = ({ x, y }: Place): Place => ({ x: y, y: x });
  return {
    width: turned.height,
    height: turned.width,
    places: new Map([...turned.places].map(([id, place]) => [id, turn(place)])),
    bends: new Map(
      [...turned.bends].map(([from, targets]) => [
        from,
        new Map([...targets].map(([to, places]) => [to, places.map(turn)])),
      ]),
    ),
  };
}

function within(links: readonly Link[], members: readonly LayoutNode[]): readonly Link[] {
  if (members.length < 2) return [];
  const ids = new Set(members.map(({ id }) => id));
  return links.filter(({ from, to }) => ids.has(from) && ids.has(to));
}

function betweenContainers(links: readonly Link[], containerOf: ReadonlyMap<string, string>): Link[] {
  const sums = new Map<string, Link>();
  for (const { from, to, weight } of links) {
    const [a, b] = [containerOf.get(from), containerOf.get(to)];
    if (a === undefined || b === undefined || a === b) continue;
    const key = `${a}\n${b}`;
    sums.set(key, { from: a, to: b, weight: (sums.get(key)?.weight ?? 0) + weight });
  }
  return [...sums.values()];
}

function shifted({ x, y }: Place, by: Place): Place {
  return { x: x + by.x, y: y + by.y };
}
