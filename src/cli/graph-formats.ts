/** Draws a topology: each caller with those that it calls, or the same for Graphviz and Mermaid. */
import type { Topology, TopologyEdge } from "../api/index.ts";
import { plainJson, plainText } from "./plain-text.ts";
import { formatMs, formatRate, formatShare, shortId } from "./topology-table.ts";

export type GraphFormat = "text" | "dot" | "mermaid" | "json";
export const graphFormats: readonly GraphFormat[] = ["text", "dot", "mermaid", "json"];

export function formatGraph(topology: Topology, format: GraphFormat): string {
  switch (format) {
    case "text":
      return formatText(topology);
    case "dot":
      return formatDot(topology);
    case "mermaid":
      return formatMermaid(topology);
    case "json":
      return `${plainJson(topology, 2)}\n`;
  }
}

/** A tree from those whom nobody calls. Whoever was drawn before is named only, so that a circle ends. */
function formatText({ edges, windowSeconds }: Topology): string {
  if (edges.length === 0) return `no traffic in the last ${windowSeconds} s\n`;
  const callers = Map.groupBy(sorted(edges), ({ source }) => source);
  const called = new Set(
    edges.filter(({ source, destination }) => source !== destination).map((edge) => edge.destination),
  );
  const drawn = new Set<string>();
  let text = "";
  const draw = (id: string, indent: string): void => {
    const calls = callers.get(id) ?? [];
    for (const [index, edge] of calls.entries()) {
      const isLast = index === calls.length - 1;
      const isNew = !drawn.has(edge.destination);
      const again = !isNew && callers.has(edge.destination) ? " (above)" : "";
      text += `${indent}${isLast ? "└─" : "├─"} ${plainText(shortId(edge.destination))}${again}  ${figures(edge)}\n`;
      if (!isNew) continue;
      drawn.add(edge.destination);
      draw(edge.destination, `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  const roots = [...callers.keys()].filter((id) => !called.has(id));
  // In a circle everybody is called by somebody: whoever is left over begins it.
  for (const id of [...roots, ...callers.keys()]) {
    if (drawn.has(id)) continue;
    drawn.add(id);
    text += `${plainText(shortId(id))}\n`;
    draw(id, "");
  }
  return text;
}

function formatDot({ edges }: Topology): string {
  const lines = sorted(edges).map(
    (edge) =>
      `  ${quote(shortId(edge.source))} -> ${quote(shortId(edge.destination))} [label=${quote(figures(edge))}${
        edge.successRate < 1 ? ", color=red" : ""
      }];\n`,
  );
  return `digraph weft {\n  rankdir=LR;\n  node [shape=box];\n${lines.join("")}}\n`;
}

function formatMermaid({ edges }: Topology): string {
  const ids = new Map<string, string>();
  const node = (id: string): string => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    const name = `n${ids.size}`;
    ids.set(id, name);
    return `${name}["${entities(shortId(id))}"]`;
  };
  const lines = sorted(edges).map(
    (edge) => `  ${node(edge.source)} -->|"${entities(figures(edge))}"| ${node(edge.destination)}\n`,
  );
  return `flowchart LR\n${lines.join("")}`;
}

function figures(edge: TopologyEdge): string {
  const unit = edge.protocol === "http" ? "/s" : " conn/s";
  const lock = edge.isMutualTls ? "mTLS" : "plaintext";
  return `${formatRate(edge.requestsPerSecond)}${unit}, ${formatShare(edge.successRate)} ok, p99 ${formatMs(edge.p99Ms)}, ${lock}`;
}

function sorted(edges: readonly TopologyEdge[]): TopologyEdge[] {
  const key = ({ source, destination, service }: TopologyEdge): string =>
    `${source} ${destination} ${service}`;
  return edges.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function quote(text: string): string {
  return `"${plainText(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Beside quotes: what begins an entity, Markdown or a directive, which Mermaid reads inside of texts too. */
function entities(text: string): string {
  return plainText(text).replace(/[&<>"#`]|%(?=[%{])/g, (c) => `#${c.charCodeAt(0)};`);
}
