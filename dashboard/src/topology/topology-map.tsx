/** The drawing: nodes and lines on a plane that is moved by dragging and the wheel, and walked with the arrow keys. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { edgePath } from "./edge-path.ts";
import { type EdgeFigure, edgeText } from "./edge-text.ts";
import { placeLabels } from "./label-places.ts";
import { labelWidth, MapEdge, MapEdgeLabel } from "./map-edge.tsx";
import { MapNode } from "./map-node.tsx";
import type { LaidOut } from "./use-layout.ts";
import { bringIntoView, fit, neighbourIn, type Size, type Viewport, zoomAt } from "./viewport.ts";
import { useDrag } from "./use-drag.ts";
import type { ViewEdge, ViewGraph } from "./view-graph.ts";

export interface TopologyMapProps {
  readonly graph: ViewGraph;
  readonly laidOut: LaidOut;
  readonly chosen: string | undefined;
  /** Nodes that a search found; undefined: none is looked for. */
  readonly found: ReadonlySet<string> | undefined;
  readonly figure: EdgeFigure;
  readonly onChoose: (id: string | undefined) => void;
  readonly onOpen: (id: string) => void;
}

const zoomStep = 1.25;
/** Beyond so many lines only those of the chosen node are written on. */
const maxLabels = 40;
/** Text of nodes is not readable below. */
const farScale = 0.42;

export function TopologyMap({ graph, laidOut, chosen, found, figure, onChoose, onOpen }: TopologyMapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [screen, setScreen] = useState<Size>({ width: 0, height: 0 });
  const [moved, setViewport] = useState<Viewport>();
  const { result, input, shape } = laidOut;
  const viewport = moved ?? fit(result, screen);
  const places = useMemo(() => new Map(result.places), [result]);

  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const read = (): void => setScreen({ width: element.clientWidth, height: element.clientHeight });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // Another drawing is seen whole first.
  useEffect(() => setViewport(undefined), [shape]);

  const change = useCallback(
    (step: (before: Viewport) => Viewport) => setViewport((before) => step(before ?? fit(result, screen))),
    [result, screen],
  );
  const zoom = (factor: number): void =>
    change((before) => zoomAt(before, factor, { x: screen.width / 2, y: screen.height / 2 }));
  const drag = useDrag(frame, change);

  const near = useMemo(() => nearOf(graph.edges, chosen), [graph.edges, chosen]);
  const tabStop = chosen !== undefined && places.has(chosen) ? chosen : input.nodes[0]?.id;
  const bendsOf = useMemo(() => {
    const map = new Map<string, number>();
    for (const [index, { from, to }] of input.links.entries()) map.set(`${from}\t${to}`, index);
    return map;
  }, [input]);
  const sizes = useMemo(() => new Map(input.nodes.map((node) => [node.id, node])), [input]);
  const paths = useMemo(
    () =>
      new Map(
        input.links.flatMap(({ from, to }, index) => {
          const ends = [from, to].map((id) => ({ place: places.get(id), size: sizes.get(id) }));
          const [a, b] = ends.flatMap(({ place, size }) =>
            place === undefined || size === undefined ? [] : [{ place, size }],
          );
          if (a === undefined || b === undefined) return [];
          return [[index, edgePath(a, b, result.bends[index] ?? [], result.direction)] as const];
        }),
      ),
    [input, places, result, sizes],
  );

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isArrow = /^Arrow(Left|Right|Up|Down)$/.test(event.key);
    if (event.key === "+" || event.key === "=") zoom(zoomStep);
    else if (event.key === "-") zoom(1 / zoomStep);
    else if (event.key === "0") setViewport(undefined);
    else if (event.key === "Escape") onChoose(undefined);
    else if (isArrow) walk(event);
    else return;
    event.preventDefault();
  };
  const walk = (event: KeyboardEvent): void => {
    const at = event.target instanceof Element ? event.target.getAttribute("data-node") : null;
    const from = places.get(at ?? "");
    if (from === undefined) return;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one of the four, as the caller found
    const next = neighbourIn(result.places, from, event.key as "ArrowLeft");
    const place = next === undefined ? undefined : places.get(next);
    if (next === undefined || place === undefined) return;
    onChoose(next);
    change((before) => bringIntoView(before, place, screen));
    frame.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(next)}"]`)?.focus();
  };

  const isFew = graph.edges.length <= maxLabels;
  const figureOf = (state: "plain" | "near" | "faded"): EdgeFigure => {
    if (state === "near") return "all";
    return isFew && viewport.scale >= farScale ? figure : "none";
  };
  const drawn = graph.edges.flatMap((edge) => {
    const key = `${edge.from}\t${edge.to}`;
    const path = paths.get(bendsOf.get(key) ?? -1);
    if (path === undefined) return [];
    const isNear = chosen !== undefined && (edge.from === chosen || edge.to === chosen);
    const isFaded = chosen !== undefined ? !isNear : found !== undefined;
    const state = isNear ? ("near" as const) : isFaded ? ("faded" as const) : ("plain" as const);
    return [{ key, edge, path, state }];
  });
  const labels = drawn.flatMap(({ key, edge, path, state }) => {
    const text = edgeText(edge, figureOf(state));
    return text === ""
      ? []
      : [{ key, edge, state, text, width: labelWidth(edge, text), places: path.labels }];
  });
  const stateOf = (id: string): "plain" | "chosen" | "near" | "faded" => {
    if (id === chosen) return "chosen";
    if (found !== undefined) return found.has(id) ? "near" : "faded";
    return near === undefined ? "plain" : near.has(id) ? "near" : "faded";
  };

  return (
    <div class="map" ref={frame} onKeyDown={onKeyDown} {...drag}>
      <svg
        width={screen.width}
        height={screen.height}
        class={viewport.scale < farScale ? "far" : ""}
        role="group"
        aria-label="Who calls whom. Arrow keys lead from node to node."
      >
        <defs>
          {(["ok", "note", "bad", "none"] as const).map((level) => (
            <marker
              key={level}
              id={`arrow-${level}`}
              class={`arrow level-${level}`}
              viewBox="0 0 8 8"
              refX="5"
              refY="4"
              markerWidth="11"
              markerHeight="11"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 .8L7 4L0 7.2z" />
            </marker>
          ))}
        </defs>
        <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.scale})`}>
          {result.boxes.map(([group, box]) => (
            <g key={group} class="group-box">
              <rect x={box.x} y={box.y} width={box.width} height={box.height} rx={14} />
              <text x={box.x + 16} y={box.y + 24}>
                {group}
              </text>
            </g>
          ))}
          {drawn.map(({ key, edge, path, state }) => (
            <MapEdge key={key} edge={edge} path={path} state={state} />
          ))}
          {placeLabels(labels).map(([{ key, edge, state, text, width }, { x, y }]) => (
            <MapEdgeLabel key={key} edge={edge} state={state} text={text} width={width} x={x} y={y} />
          ))}
          {graph.nodes.map((node) => {
            const place = places.get(node.id);
            if (place === undefined) return null;
            return (
              <MapNode
                key={node.id}
                node={node}
                place={place}
                state={stateOf(node.id)}
                isTabStop={node.id === tabStop}
                onChoose={onChoose}
                onOpen={onOpen}
              />
            );
          })}
        </g>
      </svg>
      <div class="map-tools" role="group" aria-label="Size">
        <button class="icon-button" aria-label="Larger" onClick={() => zoom(zoomStep)}>
          <Icon name="plus" />
        </button>
        <button class="icon-button" aria-label="Smaller" onClick={() => zoom(1 / zoomStep)}>
          <Icon name="minus" />
        </button>
        <button class="icon-button" aria-label="All of it" onClick={() => setViewport(undefined)}>
          <Icon name="fit" />
        </button>
      </div>
    </div>
  );
}

function nearOf(edges: readonly ViewEdge[], chosen: string | undefined): ReadonlySet<string> | undefined {
  if (chosen === undefined) return undefined;
  return new Set(edges.flatMap(({ from, to }) => (from === chosen ? [to] : to === chosen ? [from] : [])));
}
