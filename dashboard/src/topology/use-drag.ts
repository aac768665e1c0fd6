/** Moving the plane with the pointer, one finger or two, and the wheel; with Ctrl the wheel makes it larger and smaller. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { moveBy, type Viewport, zoomAt } from "./viewport.ts";

type Change = (step: (before: Viewport) => Viewport) => void;

/** Less is a click. */
const dragFromPx = 4;
const wheelSpeed = 0.0022;

interface Pointer {
  x: number;
  y: number;
}

export function useDrag(frame: RefObject<HTMLDivElement | null>, change: Change) {
  const pointers = useRef(new Map<number, Pointer>());
  const travelled = useRef(0);
  const current = useRef(change);
  current.current = change;

  // The browser would scroll the page: only a listener that is not passive may stop it.
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      const { deltaX, deltaY } = event;
      current.current((before) =>
        event.ctrlKey || event.metaKey
          ? zoomAt(before, Math.exp(-deltaY * wheelSpeed * 3), at)
          : event.shiftKey
            ? moveBy(before, -deltaY, 0)
            : Math.abs(deltaX) > Math.abs(deltaY)
              ? moveBy(before, -deltaX, 0)
              : zoomAt(before, Math.exp(-deltaY * wheelSpeed), at),
      );
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [frame]);

  return useMemo(
    () => ({
      onPointerDown(event: PointerEvent) {
        if (event.button !== 0 || isControl(event.target)) return;
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        travelled.current = 0;
      },
      onPointerMove(event: PointerEvent) {
        const pointer = pointers.current.get(event.pointerId);
        const element = frame.current;
        if (pointer === undefined || element === null) return;
        const [byX, byY] = [event.clientX - pointer.x, event.clientY - pointer.y];
        travelled.current += Math.abs(byX) + Math.abs(byY);
        if (travelled.current < dragFromPx) return;
        // From now on it is ours, also outside of the frame; before, a click has to reach the node.
        if (!element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
        const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
        const before = { ...pointer };
        pointer.x = event.clientX;
        pointer.y = event.clientY;
        if (other === undefined) current.current((viewport) => moveBy(viewport, byX, byY));
        else pinch(current.current, element, { before, after: pointer, other });
      },
      onPointerUp: (event: PointerEvent) => void pointers.current.delete(event.pointerId),
      onPointerCancel: (event: PointerEvent) => void pointers.current.delete(event.pointerId),
    }),
    [frame],
  );
}

function pinch(
  change: Change,
  element: HTMLElement,
  { before, after, other }: { readonly before: Pointer; readonly after: Pointer; readonly other: Pointer },
): void {
  const { left, top } = element.getBoundingClientRect();
  const distance = (point: Pointer): number => Math.hypot(point.x - other.x, point.y - other.y);
  const at = { x: (after.x + other.x) / 2 - left, y: (after.y + other.y) / 2 - top };
  const factor = distance(after) / Math.max(1, distance(before));
  change((viewport) => zoomAt(viewport, factor, at));
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(".map-tools") !== null;
}
