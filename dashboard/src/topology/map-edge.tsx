/** One line between two nodes: as wide as it is busy, open where it is not encrypted, coloured and written on where it fails. */
import { memo } from "../parts/memo.ts";
import type { EdgePath } from "./edge-path.ts";
import { edgeWidth } from "./edge-text.ts";
import { labelHeight } from "./label-places.ts";
import type { Place } from "./layered-layout.ts";
import type { ViewEdge } from "./view-graph.ts";

interface MapEdgeProps {
  readonly edge: ViewEdge;
  readonly state: "plain" | "near" | "faded";
}

const letterWidth = 6.1;

export const MapEdge = memo(function MapEdge({
  edge,
  path,
  state,
}: MapEdgeProps & { readonly path: EdgePath }) {
  return (
    <path
      class={classOf(edge, state)}
      d={path.d}
      stroke-width={edgeWidth(edge.perSecond)}
      marker-end={`url(#arrow-${edge.level})`}
    />
  );
});

export function labelWidth({ mutualTlsShare }: ViewEdge, text: string): number {
  return text.length * letterWidth + (mutualTlsShare < 1 ? 30 : 14);
}

/** Above all lines, so that none goes through what is written. */
export const MapEdgeLabel = memo(function MapEdgeLabel({
  edge,
  state,
  text,
  width,
  x,
  y,
}: MapEdgeProps & Place & { readonly text: string; readonly width: number }) {
  const isOpen = edge.mutualTlsShare < 1;
  return (
    <g class={classOf(edge, state)} transform={`translate(${x} ${y})`}>
      <rect
        class="edge-label-box"
        x={-width / 2}
        y={-labelHeight / 2}
        width={width}
        height={labelHeight}
        rx={labelHeight / 2}
      />
      {isOpen && (
        <path
          class="edge-open"
          transform={`translate(${-width / 2 + 13} 0)`}
          d="M-4-.5H4V5H-4zM-2.2-.5V-3A2.2 2.2 0 0 1 1.8-4"
        />
      )}
      <text class="edge-label" x={isOpen ? 8 : 0} y={3.5}>
        {text}
      </text>
    </g>
  );
});

function classOf({ level, mutualTlsShare }: ViewEdge, state: MapEdgeProps["state"]): string {
  return `edge level-${level} ${state} ${mutualTlsShare < 1 ? "open" : ""}`;
}
