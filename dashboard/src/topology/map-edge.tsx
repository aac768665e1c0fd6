/** One line between two nodes: as wide as it is busy, open where it is not encrypted, coloured and written on where it fails. */
import { memo } from "../parts/memo.ts";
import type { EdgePath } from "./edge-path.ts";
import { type EdgeFigure, edgeText, edgeWidth } from "./edge-text.ts";
import type { ViewEdge } from "./view-graph.ts";

export interface MapEdgeProps {
  readonly edge: ViewEdge;
  readonly path: EdgePath;
  readonly state: "plain" | "near" | "faded";
  readonly figure: EdgeFigure;
}

const letterWidth = 6.1;

export const MapEdge = memo(function MapEdge({ edge, path, state }: Omit<MapEdgeProps, "figure">) {
  return (
    <path
      class={classOf(edge, state)}
      d={path.d}
      stroke-width={edgeWidth(edge.perSecond)}
      marker-end={`url(#arrow-${edge.level})`}
    />
  );
});

/** Above all lines, so that none goes through what is written. */
export const MapEdgeLabel = memo(function MapEdgeLabel({ edge, path, state, figure }: MapEdgeProps) {
  const isOpen = edge.mutualTlsShare < 1;
  const label = edgeText(edge, figure);
  if (label === "") return null;
  const width = label.length * letterWidth + (isOpen ? 30 : 14);
  return (
    <g class={classOf(edge, state)} transform={`translate(${path.label.x} ${path.label.y})`}>
      <rect class="edge-label-box" x={-width / 2} y={-9} width={width} height={18} rx={9} />
      {isOpen && (
        <path
          class="edge-open"
          transform={`translate(${-width / 2 + 13} 0)`}
          d="M-4-.5H4V5H-4zM-2.2-.5V-3A2.2 2.2 0 0 1 1.8-4"
        />
      )}
      <text class="edge-label" x={isOpen ? 8 : 0} y={3.5}>
        {label}
      </text>
    </g>
  );
});

function classOf({ level, mutualTlsShare }: ViewEdge, state: MapEdgeProps["state"]): string {
  return `edge level-${level} ${state} ${mutualTlsShare < 1 ? "open" : ""}`;
}
