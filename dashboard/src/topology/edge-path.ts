/** The line from one node to another through its bends, smooth, with the place for what is written on it. */
import type { Direction } from "./grouped-layout.ts";
import type { Box, Place } from "./layered-layout.ts";

export interface End {
  readonly place: Place;
  readonly size: Pick<Box, "width" | "height">;
}

export interface EdgePath {
  readonly d: string;
  /** Places for what is written on it, the best first. */
  readonly labels: readonly Place[];
}

/** A start, and curves of two handles and an end each; as if everything went to the right. */
interface Curve {
  readonly start: Place;
  readonly parts: readonly (readonly [Place, Place, Place])[];
  readonly labels: readonly Place[];
}

const arrowGap = 5;
const loopReach = 46;
const leastReach = 22;
/** Of the part in the middle of a line: where its label stands, and where else it may. */
const alongPart = [0.5, 0.35, 0.65, 0.2, 0.8];

/** Leaves and comes in along the direction of the layers; calls back go around beside them. */
export function edgePath(from: End, to: End, bends: readonly Place[], direction: Direction): EdgePath {
  const isDown = direction === "down";
  const turn = ({ x, y }: Place): Place => (isDown ? { x: y, y: x } : { x, y });
  const half = ({ size: { width, height } }: End): number => (isDown ? height : width) / 2;
  const [a, b] = [turn(from.place), turn(to.place)];
  const curve = curveBetween({ a, b, fromHalf: half(from), toHalf: half(to), bends: bends.map(turn) });
  const parts = curve.parts.map((part) => `C${part.map((point) => text(turn(point))).join(" ")}`);
  return { d: `M${text(turn(curve.start))}${parts.join("")}`, labels: curve.labels.map(turn) };
}

interface Ends {
  readonly a: Place;
  readonly b: Place;
  readonly fromHalf: number;
  readonly toHalf: number;
  readonly bends: readonly Place[];
}

function curveBetween({ a, b, fromHalf, toHalf, bends }: Ends): Curve {
  const start = { x: a.x + fromHalf, y: a.y };
  const end = { x: b.x - toHalf - arrowGap, y: b.y };
  if (a.x === b.x && a.y === b.y) return selfLoop(start);
  if (Math.abs(a.x - b.x) < fromHalf) return besideLayer(start, { x: b.x + toHalf + arrowGap, y: b.y });
  if (b.x < a.x) return callBack(start, end, bends);
  const points = [start, ...bends, end];
  const parts = points.slice(1).map((point, index): readonly [Place, Place, Place] => {
    const before = points[index] ?? start;
    const reach = Math.max(leastReach, Math.abs(point.x - before.x) / 2);
    return [{ x: before.x + reach, y: before.y }, { x: point.x - reach, y: point.y }, point];
  });
  const middle = Math.floor((points.length - 1) / 2);
  const part = parts[middle];
  const labels =
    part === undefined ? [start] : alongPart.map((t) => pointAt(points[middle] ?? start, part, t));
  return { start, parts, labels };
}

/** Both in one layer: out and in on the same side. */
function besideLayer(start: Place, end: Place): Curve {
  const x = Math.max(start.x, end.x) + loopReach;
  return {
    start,
    parts: [[{ x, y: start.y }, { x, y: end.y }, end]],
    labels: [{ x: x - loopReach / 4, y: (start.y + end.y) / 2 }],
  };
}

function callBack(start: Place, end: Place, bends: readonly Place[]): Curve {
  const reach = loopReach + (start.x - end.x) / 10;
  const side = bends[Math.floor(bends.length / 2)]?.y ?? Math.max(start.y, end.y) + reach;
  const handle = side + (side - (start.y + end.y) / 2) / 3;
  return {
    start,
    parts: [[{ x: start.x + reach, y: handle }, { x: end.x - reach, y: handle }, end]],
    labels: [{ x: (start.x + end.x) / 2, y: (start.y + end.y) / 8 + (handle * 3) / 4 }],
  };
}

function selfLoop({ x, y }: Place): Curve {
  const reach = loopReach;
  return {
    start: { x, y: y - 8 },
    parts: [
      [
        { x: x + reach, y: y - 34 },
        { x: x + reach, y: y + 34 },
        { x: x + arrowGap, y: y + 10 },
      ],
    ],
    labels: [{ x: x + reach * 0.75, y }],
  };
}

/** On a cubic Bézier curve, `t` from 0 at its start to 1. */
function pointAt(start: Place, [first, second, end]: Curve["parts"][number], t: number): Place {
  const u = 1 - t;
  const at = (axis: "x" | "y"): number =>
    u ** 3 * start[axis] + 3 * u ** 2 * t * first[axis] + 3 * u * t ** 2 * second[axis] + t ** 3 * end[axis];
  return { x: at("x"), y: at("y") };
}

function text({ x, y }: Place): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
