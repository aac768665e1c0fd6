/** What is written on a line, and how wide it is. */
import { formatErrorShare, formatMs, formatRate } from "../format/figures.ts";
import type { ViewEdge } from "./view-graph.ts";

export type EdgeFigure = "rate" | "errors" | "p99" | "all" | "none";

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
