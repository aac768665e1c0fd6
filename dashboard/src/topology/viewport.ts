/** Which part of the drawing is seen, and how large. */
import type { Place } from "./layered-layout.ts";

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const minScale = 0.08;
const maxScale = 2.5;
const margin = 28;
/** A drawing of three nodes is not blown up. */
const maxFitScale = 1.15;

/** All of it, in the middle. */
export function fit(drawing: Size, screen: Size): Viewport {
  const wide = (screen.width - 2 * margin) / Math.max(1, drawing.width);
  const high = (screen.height - 2 * margin) / Math.max(1, drawing.height);
  const scale = clamp(Math.min(wide, high, maxFitScale));
  return {
    scale,
    x: (screen.width - drawing.width * scale) / 2,
    y: (screen.height - drawing.height * scale) / 2,
  };
}

/** What is under the point stays under it. */
export function zoomAt({ x, y, scale }: Viewport, factor: number, at: Place): Viewport {
  const next = clamp(scale * factor);
  const ratio = next / scale;
  return { scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio };
}

export function moveBy({ x, y, scale }: Viewport, byX: number, byY: number): Viewport {
  return { x: x + byX, y: y + byY, scale };
}

/** Moves only where the place is out of sight. */
export function bringIntoView(viewport: Viewport, place: Place, screen: Size): Viewport {
  const x = place.x * viewport.scale + viewport.x;
  const y = place.y * viewport.scale + viewport.y;
  const byX = x < 90 ? 90 - x : x > screen.width - 90 ? screen.width - 90 - x : 0;
  const byY = y < 40 ? 40 - y : y > screen.height - 40 ? screen.height - 40 - y : 0;
  return byX === 0 && byY === 0 ? viewport : moveBy(viewport, byX, byY);
}

function clamp(scale: number): number {
  return Math.min(maxScale, Math.max(minScale, scale));
}

/** The nearest place in a direction: where an arrow key leads. */
export function neighbourIn(
  places: readonly (readonly [id: string, place: Place])[],
  from: Place,
  direction: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown",
): string | undefined {
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [id, { x, y }] of places) {
    const [along, across] =
      direction === "ArrowLeft"
        ? [from.x - x, y - from.y]
        : direction === "ArrowRight"
          ? [x - from.x, y - from.y]
          : direction === "ArrowUp"
            ? [from.y - y, x - from.x]
            : [y - from.y, x - from.x];
    if (along <= 1) continue;
    const cost = along + 2.5 * Math.abs(across);
    if (cost < least) [nearest, least] = [id, cost];
  }
  return nearest;
}
