/** Live topology: who calls whom, with namespaces that fold, a search, and one service's neighbours alone. */
import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import type { TopologyDocument } from "../api/documents.ts";
import { meshPath, withQuery } from "../api/fetch-json.ts";
import { figuresEveryMs, useDocument } from "../live/use-document.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageHead } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { Empty } from "../parts/states.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import { usePreferences } from "../preferences.ts";
import { navigate, servicePath, useLocation } from "../router.ts";
import { EdgeTable } from "../topology/edge-table.tsx";
import type { EdgeFigure } from "../topology/edge-text.ts";
import { NodeDetail } from "../topology/node-detail.tsx";
import { TopologyMap } from "../topology/topology-map.tsx";
import { useLayout } from "../topology/use-layout.ts";
import { viewGraph } from "../topology/view-graph.ts";

/** More services than this start with their namespaces folded. */
const foldFrom = 40;
const figures = [
  { id: "rate", label: "Rate" },
  { id: "errors", label: "Errors" },
  { id: "p99", label: "p99" },
] as const;

export function TopologyPage() {
  const { windowSeconds } = usePreferences();
  const path = withQuery(`${meshPath}/topology`, { window: windowSeconds, by: "service" });
  const topology = useDocument<TopologyDocument>(path, figuresEveryMs);
  return (
    <div class="page topology-page">
      <Loaded from={topology} lines={8}>
        {(document) =>
          document.nodes.length === 0 ? (
            <>
              <PageHead title="Topology" />
              <Empty title="Nobody has called anybody in this window" icon="topology">
                <p>
                  As soon as a request passes a proxy, both of its ends are drawn here within a few seconds.
                </p>
              </Empty>
            </>
          ) : (
            <Topology document={document} />
          )
        }
      </Loaded>
    </div>
  );
}

function Topology({ document }: { readonly document: TopologyDocument }) {
  const { query } = useLocation();
  const focus = query.get("focus") ?? undefined;
  const depth = query.get("depth") === "2" ? 2 : 1;
  // Undefined: as many as there are services decides.
  const [foldedByHand, setFolded] = useState<ReadonlySet<string>>();
  const [chosen, setChosen] = useState<string | undefined>(focus);
  const [search, setSearch] = useState("");
  const [figure, setFigure] = useState<EdgeFigure>("rate");
  const [isTable, setTable] = useState(false);

  const groups = useMemo(() => new Set(document.nodes.map(({ namespace }) => namespace)), [document]);
  const isLarge = document.nodes.length > foldFrom;
  const folded = useMemo(
    () => foldedByHand ?? (isLarge ? groups : new Set<string>()),
    [foldedByHand, isLarge, groups],
  );
  const graph = useMemo(
    () => viewGraph(document, { folded, focus, depth }),
    [document, folded, focus, depth],
  );
  const stage = useRef<HTMLDivElement>(null);
  const laidOut = useLayout(graph, stage);
  const found = useMemo(() => {
    if (search.trim() === "") return undefined;
    const hits = document.nodes.filter(({ id }) => matchesSearch(id, search));
    const drawn = new Set(graph.nodes.map(({ id }) => id));
    return new Set(hits.map(({ id, namespace }) => (drawn.has(id) ? id : `${namespace}/`)));
  }, [document, graph, search]);
  const chosenNode = graph.nodes.find(({ id }) => id === chosen);

  const setFocus = useCallback((id: string | undefined, steps = 1) => {
    navigate(withQuery("/topology", { focus: id, depth: steps === 1 ? undefined : steps }));
    setChosen(id);
  }, []);
  const unfold = useCallback(
    (group: string) => setFolded(new Set([...folded].filter((each) => each !== group))),
    [folded],
  );
  const fold = (group: string): void => setFolded(new Set([...folded, group]));
  const open = useCallback(
    (id: string) => {
      const node = graph.nodes.find((each) => each.id === id);
      if (node?.kind === "group") unfold(node.group);
      else if (node?.kind === "service") navigate(servicePath(id));
    },
    [graph, unfold],
  );
  /** The first that was found, unfolded. */
  const goToFound = (): void => {
    const hit = document.nodes.find(({ id }) => matchesSearch(id, search));
    if (hit === undefined) return;
    if (folded.has(hit.namespace)) unfold(hit.namespace);
    setSearch("");
    setChosen(hit.id);
  };

  return (
    <>
      <PageHead title="Topology">
        <SearchField label="Find a service" value={search} onChange={setSearch} onSubmit={goToFound} />
        {found !== undefined && (
          <span class="quiet" role="status">
            {found.size} found
          </span>
        )}
        <fieldset class="segments" aria-label="Written on lines">
          {figures.map(({ id, label }) => (
            <button key={id} aria-pressed={figure === id} onClick={() => setFigure(id)}>
              {label}
            </button>
          ))}
        </fieldset>
        {graph.groups.length > 1 && focus === undefined && (
          <fieldset class="segments" aria-label="Namespaces">
            <button aria-pressed={folded.size === groups.size} onClick={() => setFolded(groups)}>
              Fold all
            </button>
            <button aria-pressed={folded.size === 0} onClick={() => setFolded(new Set())}>
              Unfold all
            </button>
          </fieldset>
        )}
        {focus !== undefined && (
          <>
            <fieldset class="segments" aria-label="How far">
              <button aria-pressed={depth === 1} onClick={() => setFocus(focus)}>
                1 step
              </button>
              <button aria-pressed={depth === 2} onClick={() => setFocus(focus, 2)}>
                2 steps
              </button>
            </fieldset>
            <button class="button" onClick={() => setFocus(undefined)}>
              Show everything
            </button>
          </>
        )}
        <button class="button" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          As a table
        </button>
      </PageHead>
      {isTable ? (
        <EdgeTable graph={graph} search={search} />
      ) : (
        <div ref={stage} class={chosenNode === undefined ? "stage" : "stage with-detail"}>
          {laidOut === undefined ? (
            <div class="map waiting-map" role="status" aria-label="Drawing" />
          ) : (
            <TopologyMap
              graph={graph}
              laidOut={laidOut}
              chosen={chosenNode?.id}
              found={found}
              figure={figure}
              onChoose={setChosen}
              onOpen={open}
            />
          )}
          {chosenNode !== undefined && (
            <NodeDetail
              node={chosenNode}
              graph={graph}
              isFocused={focus === chosenNode.id}
              onChoose={setChosen}
              onFocus={(id) => setFocus(id)}
              onUnfold={unfold}
            />
          )}
          <Legend />
        </div>
      )}
      {!isTable && focus === undefined && folded.size < groups.size && graph.groups.length > 1 && isLarge && (
        <p class="unfolded">
          <span class="quiet">Unfolded:</span>
          {graph.groups
            .filter((group) => !folded.has(group))
            .map((group) => (
              <button key={group} class="button small" onClick={() => fold(group)}>
                Fold <bdi>{group}</bdi>
              </button>
            ))}
        </p>
      )}
    </>
  );
}

function Legend() {
  return (
    <ul class="map-legend" aria-label="Legend">
      <li>
        <span class="line-sample" /> mutual TLS
      </li>
      <li>
        <span class="line-sample open" /> some plaintext
      </li>
      <li>
        <span class="line-sample bad" /> errors over 5 %
      </li>
    </ul>
  );
}
