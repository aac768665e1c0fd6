/**
 * Layers from left to right, callers before callees (Sugiyama's method): cycles are cut, long edges get places of their own in
 * every layer that they cross, layers are ordered so that few edges cross, and each node comes as near to its neighbours' middle
 * as the ones above and below let it.
 */
import { nearestInOrder } from "./nearest-in-order.ts";

export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly from: string;
  readonly to: string;
  readonly weight: number;
}

export interface Place {
  /** Of its middle. */
  readonly x: number;
  readonly y: number;
}

export interface Layered {
  readonly places: ReadonlyMap<string, Place>;
  /** Where edges that cross layers go through, by `from`, then `to`. */
  readonly bends: ReadonlyMap<string, ReadonlyMap<string, readonly Place[]>>;
  readonly width: number;
  readonly height: number;
}

export interface Spacing {
  readonly betweenLayers: number;
  readonly withinLayer: number;
}

interface Vertex {
  readonly id: string | undefined;
  readonly width: number;
  readonly height: number;
  layer: number;
  y: number;
  readonly before: { readonly vertex: Vertex; readonly weight: number }[];
  readonly after: { readonly vertex: Vertex; readonly weight: number }[];
}

const orderingSweeps = 8;
const straighteningSweeps = 6;
const bendHeight = 10;
/** Meshes of many cycles have longer chains of calls than anybody can follow: neighbouring layers become one. */
const maxChain = 7;

export function layeredLayout(boxes: readonly Box[], links: readonly Link[], spacing: Spacing): Layered {
  const vertices = new Map(boxes.map((box) => [box.id, newVertex(box)]));
  const forward = withoutCycles(boxes, links);
  assignLayers(vertices, forward);
  spread(vertices, boxes.length);
  const chains = connect(vertices, forward);
  const layers = layersOf([...vertices.values(), ...chains.flatMap(({ bends }) => bends)]);
  order(layers);
  placeVertically(layers, spacing.withinLayer);
  return finish(layers, vertices, chains, spacing);
}

function newVertex({ id, width, height }: { id: string | undefined; width: number; height: number }): Vertex {
  return { id, width, height, layer: 0, y: 0, before: [], after: [] };
}

interface ForwardLink {
  readonly from: string;
  readonly to: string;
  readonly weight: number;
  readonly isTurned: boolean;
}

/** Depth first from those that are called least; a link to what is still being walked is turned around. */
function withoutCycles(boxes: readonly Box[], links: readonly Link[]): ForwardLink[] {
  const known = new Set(boxes.map(({ id }) => id));
  const used = links.filter(({ from, to }) => from !== to && known.has(from) && known.has(to));
  const outgoing = Map.groupBy(used, ({ from }) => from);
  const called = new Map<string, number>();
  for (const { to, weight } of used) called.set(to, (called.get(to) ?? 0) + weight);
  const roots = boxes
    .map(({ id }) => id)
    .toSorted((a, b) => (called.get(a) ?? 0) - (called.get(b) ?? 0) || (a < b ? -1 : 1));
  const state = new Map<string, "walking" | "done">();
  const result: ForwardLink[] = [];
  const walk = (root: string): void => {
    const stack = [{ id: root, next: 0 }];
    state.set(root, "walking");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const link = outgoing.get(top.id)?.[top.next++];
      if (link === undefined) {
        state.set(top.id, "done");
        stack.pop();
        continue;
      }
      const { from, to, weight } = link;
      const isTurned = state.get(to) === "walking";
      result.push(isTurned ? { from: to, to: from, weight, isTurned } : { from, to, weight, isTurned });
      if (state.has(to)) continue;
      state.set(to, "walking");
      stack.push({ id: to, next: 0 });
    }
  };
  for (const root of roots) if (!state.has(root)) walk(root);
  return result;
}

/** As far left as its callers let it; then those without callers move right, next to what they call. */
function assignLayers(vertices: ReadonlyMap<string, Vertex>, links: readonly ForwardLink[]): void {
  const outgoing = Map.groupBy(links, ({ from }) => from);
  const open = new Map<string, number>();
  for (const { to } of links) open.set(to, (open.get(to) ?? 0) + 1);
  const ready = [...vertices.keys()].filter((id) => !open.has(id));
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const vertex = vertices.get(id);
    for (const { to } of outgoing.get(id) ?? []) {
      const target = vertices.get(to);
      if (vertex === undefined || target === undefined) continue;
      target.layer = Math.max(target.layer, vertex.layer + 1);
      const left = (open.get(to) ?? 1) - 1;
      open.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  const incoming = new Set(links.map(({ to }) => to));
  for (const [id, vertex] of vertices) {
    const targets = (outgoing.get(id) ?? []).map(({ to }) => vertices.get(to)?.layer ?? 0);
    if (!incoming.has(id) && targets.length > 0) vertex.layer = Math.min(...targets) - 1;
  }
}

/** Layers of hundreds become several, so that the whole is about as wide as it is high. */
function spread(vertices: ReadonlyMap<string, Vertex>, count: number): void {
  const most = Math.max(8, Math.ceil(Math.sqrt(count) * 1.6));
  const chain = Math.max(0, ...[...vertices.values()].map(({ layer }) => layer)) + 1;
  if (chain > maxChain) {
    for (const vertex of vertices.values()) vertex.layer = Math.floor((vertex.layer * maxChain) / chain);
  }
  const layers = Map.groupBy(vertices.values(), ({ layer }) => layer);
  let next = 0;
  for (const layer of [...layers.keys()].toSorted((a, b) => a - b)) {
    const members = layers.get(layer) ?? [];
    const parts = Math.ceil(members.length / most);
    for (const [index, vertex] of members.entries())
      vertex.layer = next + Math.floor((index * parts) / members.length);
    next += parts;
  }
}

interface Chain {
  readonly link: ForwardLink;
  readonly bends: readonly Vertex[];
}

function connect(vertices: ReadonlyMap<string, Vertex>, links: readonly ForwardLink[]): Chain[] {
  return links.map((link) => {
    const bends: Vertex[] = [];
    const from = vertices.get(link.from);
    const to = vertices.get(link.to);
    if (from === undefined || to === undefined || to.layer <= from.layer) return { link, bends };
    let last = from;
    for (let layer = from.layer + 1; layer < to.layer; layer++) {
      const bend = newVertex({ id: undefined, width: 0, height: bendHeight });
      bend.layer = layer;
      join(last, bend, link.weight);
      bends.push(bend);
      last = bend;
    }
    join(last, to, link.weight);
    return { link, bends };
  });
}

function join(vertex: Vertex, next: Vertex, weight: number): void {
  vertex.after.push({ vertex: next, weight });
  next.before.push({ vertex, weight });
}

function layersOf(vertices: readonly Vertex[]): Vertex[][] {
  const last = vertices.reduce((most, { layer }) => Math.max(most, layer), -1);
  const layers: Vertex[][] = Array.from({ length: last + 1 }, () => []);
  for (const vertex of vertices) layers[vertex.layer]?.push(vertex);
  return layers;
}

/** Each by the middle of its neighbours in the layer before, then in the one after, and again. */
function order(layers: Vertex[][]): void {
  for (const layer of layers) for (const [index, vertex] of layer.entries()) vertex.y = index;
  for (let sweep = 0; sweep < orderingSweeps; sweep++) {
    const side = sweep % 2 === 0 ? "before" : "after";
    for (const layer of side === "before" ? layers : layers.toReversed()) {
      const wanted = new Map(layer.map((vertex) => [vertex, middle(vertex[side]) ?? vertex.y]));
      layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      for (const [index, vertex] of layer.entries()) vertex.y = index;
    }
  }
}

function middle(neighbours: Vertex["before"]): number | undefined {
  if (neighbours.length === 0) return undefined;
  return neighbours.reduce((sum, { vertex }) => sum + vertex.y, 0) / neighbours.length;
}

function placeVertically(layers: readonly Vertex[][], gap: number): void {
  for (const layer of layers) {
    const total = layer.reduce((sum, { height }) => sum + height + gap, -gap);
    let top = -total / 2;
    for (const vertex of layer) {
      vertex.y = top + vertex.height / 2;
      top += vertex.height + gap;
    }
  }
  for (let sweep = 0; sweep < straighteningSweeps; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const wanted = layer.map((vertex) => middle([...vertex.before, ...vertex.after]) ?? vertex.y);
      const places = nearestInOrder(
        wanted,
        layer.map(({ height }) => height),
        gap,
      );
      for (const [index, vertex] of layer.entries()) vertex.y = places[index] ?? vertex.y;
    }
  }
}

function finish(
  layers: readonly Vertex[][],
  vertices: ReadonlyMap<string, Vertex>,
  chains: readonly Chain[],
  spacing: Spacing,
): Layered {
  const all = layers.flat();
  const top = Math.min(...all.map(({ y, height }) => y - height / 2), 0);
  const bottom = Math.max(...all.map(({ y, height }) => y + height / 2), 0);
  const middles: number[] = [];
  let left = 0;
  for (const layer of layers) {
    const width = Math.max(0, ...layer.map((vertex) => vertex.width));
    middles.push(left + width / 2);
    left += width + spacing.betweenLayers;
  }
  const placeOf = ({ layer, y }: Vertex): Place => ({ x: middles[layer] ?? 0, y: y - top });
  const bends = new Map<string, Map<string, readonly Place[]>>();
  for (const { link, bends: through } of chains) {
    const places = through.map(placeOf);
    const [from, to] = link.isTurned ? [link.to, link.from] : [link.from, link.to];
    const ofSource = bends.get(from) ?? new Map<string, readonly Place[]>();
    bends.set(from, ofSource.set(to, link.isTurned ? places.toReversed() : places));
  }
  return {
    places: new Map([...vertices].map(([id, vertex]) => [id, placeOf(vertex)])),
    bends,
    width: Math.max(0, left - spacing.betweenLayers),
    height: bottom - top,
  };
}
