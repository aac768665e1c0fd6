/** One line between two nodes: as wide as it is busy, open where it is not encrypted, coloured and written on where it fails. */
import { formatErrorShare, formatMs, formatRate } from "../format/figures.ts";
import { memo } from "../parts/memo.ts";
import type { EdgePath } from "./edge-path.ts";
import type { ViewEdge } from "./view-graph.ts";

export type EdgeFigure = "rate" | "errors" | "p99" | "all" | "none";

export interface MapEdgeProps {
  readonly edge: ViewEdge;
  readonly path: EdgePath;
  readonly state: "plain" | "near" | "faded";
  readonly figure: EdgeFigure;
}

const letterWidth = 6.1;

export const MapEdge = memo(function MapEdge({ edge, path, state, figure }: MapEdgeProps) {
  const isOpen = edge.mutualTlsShare < 1;
  const label = edgeText(edge, figure);
  const width = label.length * letterWidth + (isOpen ? 30 : 14);
  return (
    <g class={`edge level-${edge.level} ${state} ${isOpen ? "open" : ""}`}>
      <path class="edge-line" d={path.d} stroke-width={edgeWidth(edge.perSecond)} marker-end={`url(#arrow-${edge.level})`} />
      {label !== "" && (
        <g transform={`translate(${path.label.x} ${path.label.y})`}>
          <rect class="edge-label-box" x={-width / 2} y={-9} width={width} height={18} rx={9} />
          {isOpen && <path class="edge-open" transform={`translate(${-width / 2 + 13} 0)`} d="M-4-.5H4V5H-4zM-2.2-.5V-3A2.2 2.2 0 0 1 1.8-4" />}
          <text class="edge-label" x={isOpen ? 8 : 0} y={3.5}>
            {label}
          </text>
        </g>
      )}
    </g>
  );
});

/** From 1 to 6, by powers of ten. */
export function edgeWidth(perSecond: number): number {
  return Math.min(6, 1.2 + Math.max(0, Math.log10(1 + perSecond)) * 1.3);
}

export function edgeText(edge: ViewEdge, figure: EdgeFigure): string {
  const { perSecond, errorShare, p99Ms } = edge;
  switch (figure) {
    case "rate":
      return `${formatRate(perSecond)}/s`;
    case "errors":
      return formatErrorShare(errorShare);
    case "p99":
      return formatMs(p99Ms);
    case "all": {
      const errors = errorShare > 0 ? ` · ${formatErrorShare(errorShare)}` : "";
      return `${formatRate(perSecond)}/s${errors} · ${formatMs(p99Ms)}`;
    }
    case "none":
      return "";
  }
}
