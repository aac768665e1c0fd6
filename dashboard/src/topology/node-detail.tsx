/** Beside the drawing: what is chosen, who calls it and whom it calls. */
import type { ViewEdge, ViewGraph, ViewNode } from "./view-graph.ts";
import { formatErrorShare, formatMs, formatRate, formatShare } from "../format/figures.ts";
import { Icon } from "../parts/icon.tsx";
import { Name } from "../parts/names.tsx";
import { Status, TlsMark } from "../parts/status.tsx";
import { servicePath } from "../router.ts";

export interface NodeDetailProps {
  readonly node: ViewNode;
  readonly graph: ViewGraph;
  readonly isFocused: boolean;
  readonly onChoose: (id: string | undefined) => void;
  readonly onFocus: (id: string | undefined) => void;
  readonly onUnfold: (group: string) => void;
}

const maxLines = 40;

export function NodeDetail({ node, graph, isFocused, onChoose, onFocus, onUnfold }: NodeDetailProps) {
  const callers = graph.edges.filter(({ to }) => to === node.id);
  const callees = graph.edges.filter(({ from }) => from === node.id);
  const isGroup = node.kind === "group";
  return (
    <aside class="detail" aria-label={`Chosen: ${node.label}`}>
      <header>
        <div>
          <p class="above">
            {isGroup ? "Namespace" : <Name text={node.group === "" ? "outside of namespaces" : node.group} />}
          </p>
          <h2>
            <Name text={node.label} />
          </h2>
        </div>
        <button class="icon-button" aria-label="Let go" onClick={() => onChoose(undefined)}>
          <Icon name="close" />
        </button>
      </header>
      <p class="detail-line">
        <Status level={node.level} />
        <span>
          <b>{formatRate(node.perSecond)}</b> requests/s
        </span>
      </p>
      <p class="detail-actions">
        {node.kind === "service" && (
          <a class="button primary small" href={servicePath(node.id)}>
            Open service
          </a>
        )}
        {isGroup ? (
          <button class="button small" onClick={() => onUnfold(node.group)}>
            Unfold {node.size} services
          </button>
        ) : (
          <button
            class="button small"
            aria-pressed={isFocused}
            onClick={() => onFocus(isFocused ? undefined : node.id)}
          >
            <Icon name="focus" />
            {isFocused ? "Show everything" : "Neighbours only"}
          </button>
        )}
      </p>
      <EdgeList title="Callers" edges={callers} far="from" graph={graph} onChoose={onChoose} />
      <EdgeList title="Calls" edges={callees} far="to" graph={graph} onChoose={onChoose} />
    </aside>
  );
}

interface EdgeListProps {
  readonly title: string;
  readonly edges: readonly ViewEdge[];
  readonly far: "from" | "to";
  readonly graph: ViewGraph;
  readonly onChoose: (id: string) => void;
}

function EdgeList({ title, edges, far, graph, onChoose }: EdgeListProps) {
  const nodes = new Map(graph.nodes.map((each) => [each.id, each]));
  const sorted = edges.toSorted((a, b) => b.perSecond - a.perSecond);
  return (
    <section>
      <h3>
        {title} <span class="quiet">{edges.length}</span>
      </h3>
      {edges.length === 0 && <p class="quiet">Nobody in this window.</p>}
      <ul class="edge-list">
        {sorted.slice(0, maxLines).map((edge) => (
          <li key={edge[far]}>
            <button onClick={() => onChoose(edge[far])}>
              <TlsMark isMutual={edge.mutualTlsShare >= 1} />
              <span class="edge-name">
                <Name text={nodes.get(edge[far])?.label ?? edge[far]} />
                <span class="quiet">{nodes.get(edge[far])?.group}</span>
              </span>
              <span class="figure">{formatRate(edge.perSecond)}/s</span>
              <span class={`figure text-${edge.level}`}>{formatErrorShare(edge.errorShare)}</span>
              <span class="figure">{formatMs(edge.p99Ms)}</span>
            </button>
            {edge.mutualTlsShare < 1 && (
              <p class="edge-note">{formatShare(1 - edge.mutualTlsShare)} in plaintext</p>
            )}
            <VersionSplit versions={edge.versions} />
          </li>
        ))}
      </ul>
      {edges.length > maxLines && <p class="quiet">and {edges.length - maxLines} more</p>}
    </section>
  );
}

function VersionSplit({ versions }: { readonly versions: Readonly<Record<string, number>> }) {
  const entries = Object.entries(versions).filter(([version]) => version !== "");
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  if (entries.length < 2 || total === 0) return null;
  return (
    <p class="edge-note">
      {entries.map(([version, count]) => (
        <span key={version} class="version-share">
          <bdi>{version}</bdi> {formatShare(count / total)}
        </span>
      ))}
    </p>
  );
}
