/** Layouts: nothing lies on something else, callers come before callees, the same graph is laid out the same, and 300 services in no time. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { topologyOf } from "../../testing/fake-documents.ts";
import { largeMesh } from "../../testing/fake-mesh.ts";
import { edgePath } from "./edge-path.ts";
import { groupedLayout, type LayoutInput } from "./grouped-layout.ts";
import { labelHeight, placeLabels } from "./label-places.ts";
import { layeredLayout } from "./layered-layout.ts";
import { nearestInOrder } from "./nearest-in-order.ts";
import { nodeSize } from "./node-size.ts";
import { viewGraph } from "./view-graph.ts";

const spacing = { betweenLayers: 100, withinLayer: 20 };
const box = (id: string) => ({ id, width: 100, height: 40 });
const link = (from: string, to: string) => ({ from, to, weight: 1 });

test("callers lie left of those whom they call", () => {
  const { places } = layeredLayout(
    ["a", "b", "c", "d"].map(box),
    [link("a", "b"), link("b", "c"), link("a", "d")],
    spacing,
  );
  const x = (id: string): number => places.get(id)?.x ?? Number.NaN;
  expect([x("a") < x("b"), x("b") < x("c"), x("a") < x("d")]).toEqual([true, true, true]);
});

test("a call over several layers goes around what lies between", () => {
  const { places, bends } = layeredLayout(
    ["a", "b", "c"].map(box),
    [link("a", "b"), link("b", "c"), link("a", "c")],
    spacing,
  );
  const [bend] = bends.get("a")?.get("c") ?? [];
  expect(Math.abs((bend?.y ?? 0) - (places.get("b")?.y ?? 0))).toBeGreaterThanOrEqual(20);
});

test("no node lies on another, whatever calls whatever", () => {
  const edge = fc.tuple(fc.nat(19), fc.nat(19));
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 60 }), (edges) => {
      const boxes = Array.from({ length: 20 }, (_, n) => box(`n${n}`));
      const { places } = layeredLayout(
        boxes,
        edges.map(([a, b]) => link(`n${a}`, `n${b}`)),
        spacing,
      );
      const all = [...places.values()];
      expect(all).toHaveLength(20);
      for (const [index, a] of all.entries()) {
        for (const b of all.slice(index + 1)) {
          const isApart = Math.abs(a.x - b.x) >= 100 || Math.abs(a.y - b.y) >= 40;
          expect(isApart).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("places in order are kept apart and stay where they want where they can", () => {
  expect(nearestInOrder([0, 100, 200], [40, 40, 40], 10)).toEqual([0, 100, 200]);
  expect(nearestInOrder([50, 50], [40, 40], 10)).toEqual([25, 75]);
});

function inputOf(folded: ReadonlySet<string>): LayoutInput {
  const graph = viewGraph(topologyOf(largeMesh(), 900, 1_800_000_000_000), { folded });
  return {
    width: 1100,
    height: 700,
    nodes: graph.nodes.map(({ id, group, kind }) => ({
      id,
      group,
      isGroup: kind === "group",
      ...nodeSize(kind),
    })),
    links: graph.edges.map(({ from, to }) => ({ from, to, weight: 1 })),
  };
}

test("300 services: every one within its namespace's box, twice the same, in less than a second", () => {
  const input = inputOf(new Set());
  const before = process.cpuUsage();
  const result = groupedLayout(input);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  expect(input.nodes.length).toBe(301);
  const places = new Map(result.places);
  const boxes = new Map(result.boxes);
  expect(boxes.size).toBe(25);
  for (const { id, group } of input.nodes) {
    const frame = boxes.get(group);
    const place = places.get(id);
    if (frame === undefined || place === undefined) continue;
    expect(place.x > frame.x && place.x < frame.x + frame.width).toBe(true);
    expect(place.y > frame.y && place.y < frame.y + frame.height).toBe(true);
  }
  expect(groupedLayout(input)).toEqual(result);
});

test("paths have finite numbers in every direction", () => {
  const size = { width: 100, height: 40 };
  const at = (x: number, y: number) => ({ place: { x, y }, size });
  for (const direction of ["right", "down"] as const) {
    for (const [from, to] of [
      [at(0, 0), at(300, 50)],
      [at(300, 50), at(0, 0)],
      [at(0, 0), at(0, 0)],
      [at(0, 0), at(0, 200)],
    ] as const) {
      expect(edgePath(from, to, [], direction).d).toMatch(/^M[-\d. ]+(C[-\d. ]+)+$/);
    }
  }
});

test("nothing is written over something else while there is another place for it", () => {
  const label = (name: string, ...ys: number[]) => ({
    name,
    width: 50,
    places: ys.map((y) => ({ x: 0, y })),
  });
  const labels = [
    label("a", 0, 30),
    label("b", 5, 40, 80),
    label("c", 10, 12),
    label("d", 0 + labelHeight * 10),
  ];
  expect(placeLabels(labels).map(([{ name }, { y }]) => [name, y])).toEqual([
    ["a", 0],
    ["b", 40],
    ["c", 10],
    ["d", 180],
  ]);
});

test("a line has several places for what is written on it, all of them on the line's way", () => {
  const at = (x: number, y: number) => ({ place: { x, y }, size: { width: 100, height: 40 } });
  const { labels } = edgePath(at(0, 0), at(400, 100), [], "right");
  expect(labels.length).toBeGreaterThan(2);
  expect(labels.every(({ x, y }) => x > 50 && x < 350 && y >= 0 && y <= 100)).toBe(true);
});
