/** One service, or one folded namespace, as it is drawn. */
import { memo } from "../parts/memo.ts";
import { formatRate } from "../format/figures.ts";
import type { Place } from "./layered-layout.ts";
import { fitDetail, fitLabel, nodeSize } from "./node-size.ts";
import type { ViewNode } from "./view-graph.ts";

export interface MapNodeProps {
  readonly node: ViewNode;
  readonly place: Place;
  readonly state: "plain" | "chosen" | "near" | "faded";
  /** One node at a time is in the order of the tab key; arrows lead to the others. */
  readonly isTabStop: boolean;
  readonly onChoose: (id: string) => void;
  readonly onOpen: (id: string) => void;
}

const kindWords: Readonly<Record<ViewNode["kind"], string>> = {
  service: "service",
  workload: "workload",
  gateway: "gateway",
  external: "external service",
  unknown: "outside the mesh",
  group: "namespace",
};
const levelShapes = {
  ok: "M-3.6.2L-1 2.8L3.8-2.4",
  note: "M0-4.2L4.6 3.6H-4.6Z",
  bad: "M-1.9-4.2H1.9L4.2-1.9V1.9L1.9 4.2H-1.9L-4.2 1.9V-1.9Z",
  none: "M-3 0H3",
} as const;

export const MapNode = memo(function MapNode({
  node,
  place,
  state,
  isTabStop,
  onChoose,
  onOpen,
}: MapNodeProps) {
  const { width, height } = nodeSize(node.kind);
  const isGroup = node.kind === "group";
  const note = isGroup
    ? `${node.size} services`
    : node.versions.length > 1
      ? node.versions.join(" ")
      : kindNote(node);
  const label = fitLabel(node.label, node.kind);
  const detail = fitDetail([`${formatRate(node.perSecond)}/s`, note, isGroup ? "" : node.group]);
  return (
    <g
      class={`node kind-${node.kind} level-${node.level} ${state}`}
      transform={`translate(${place.x} ${place.y})`}
      role="button"
      tabindex={isTabStop ? 0 : -1}
      data-node={node.id}
      aria-description={sayNode(node)}
      aria-pressed={state === "chosen"}
      onClick={() => onChoose(node.id)}
      onDblClick={() => onOpen(node.id)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        if (state === "chosen" && event.key === "Enter") onOpen(node.id);
        else onChoose(node.id);
      }}
    >
      {isGroup && (
        <rect
          class="node-back"
          x={-width / 2 + 5}
          y={-height / 2 + 5}
          width={width}
          height={height}
          rx={10}
        />
      )}
      <rect class="node-box" x={-width / 2} y={-height / 2} width={width} height={height} rx={10} />
      <g class="node-level" transform={`translate(${-width / 2 + 18} 0)`}>
        <circle r={9} />
        <path d={levelShapes[node.level]} />
      </g>
      <text class="node-label" x={-width / 2 + 36} y={-4}>
        {`${label} `}
      </text>
      <text class="node-detail" x={-width / 2 + 36} y={14}>
        {detail}
      </text>
    </g>
  );
});

function kindNote({ kind }: ViewNode): string {
  return kind === "service" || kind === "workload" ? "" : kindWords[kind];
}

/** What the colour, the shape and the cut name do not tell everybody. */
function sayNode({ label, kind, level }: ViewNode): string {
  const health = { ok: "good", note: "some errors", bad: "many errors", none: "nobody calls it" }[level];
  return `${kindWords[kind]} ${label}, ${health}`;
}
