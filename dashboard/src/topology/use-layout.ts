/** The layout of a graph: made anew where nodes or lines come or go, and not where only figures move. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LayoutInput, LayoutResult } from "./grouped-layout.ts";
import { nodeSize } from "./node-size.ts";
import type { ViewGraph } from "./view-graph.ts";

/** Put there by scripts/build-dashboard.mjs. */
declare const layoutWorkerPath: string;

export interface LaidOut {
  /** The graph's shape that this is the layout of. */
  readonly shape: string;
  readonly input: LayoutInput;
  readonly result: LayoutResult;
}

/** Undefined until the first one is there; an older one until the new one is. */
export function useLayout(
  graph: ViewGraph | undefined,
  screen: RefObject<HTMLElement | null>,
): LaidOut | undefined {
  const [laidOut, setLaidOut] = useState<LaidOut>();
  const worker = useRef<Worker | null>(null);
  const shape = useMemo(() => (graph === undefined ? "" : shapeOf(graph)), [graph]);
  const current = useRef(graph);
  current.current = graph;

  useEffect(() => () => worker.current?.terminate(), []);
  useEffect(() => {
    if (shape === "" || current.current === undefined) return undefined;
    const { clientWidth, clientHeight } = screen.current ?? document.documentElement;
    const input = inputOf(current.current, { width: clientWidth, height: clientHeight });
    worker.current ??= new Worker(layoutWorkerPath, { type: "module" });
    const asked = worker.current;
    let isOver = false;
    const onMessage = ({
      data,
    }: MessageEvent<{ readonly id: number; readonly result: LayoutResult }>): void => {
      if (!isOver && data.id === id) setLaidOut({ shape, input, result: data.result });
    };
    const id = nextId();
    asked.addEventListener("message", onMessage);
    asked.postMessage({ id, input });
    return () => {
      isOver = true;
      asked.removeEventListener("message", onMessage);
    };
  }, [shape]);
  return laidOut;
}

let lastId = 0;
function nextId(): number {
  lastId = (lastId + 1) % 1_000_000;
  return lastId;
}

function shapeOf({ nodes, edges }: ViewGraph): string {
  const lines = edges.map(({ from, to }) => `${from}\t${to}`).toSorted();
  return [...nodes.map(({ id }) => id).toSorted(), "", ...lines].join("\n");
}

/** In an order of its own, so that the same shape has the same layout whatever order the API answers in. */
function inputOf({ nodes, edges }: ViewGraph, screen: Pick<LayoutInput, "width" | "height">): LayoutInput {
  return {
    ...screen,
    nodes: nodes
      .map(({ id, group, kind }) => ({ id, group, isGroup: kind === "group", ...nodeSize(kind) }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    links: edges
      .map(({ from, to }) => ({ from, to, weight: 1 }))
      .toSorted((a, b) => (`${a.from}\t${a.to}` < `${b.from}\t${b.to}` ? -1 : 1)),
  };
}
