/** From who called whom to what is drawn: calls added up to one line between two services, namespaces folded, neighbours of one service. */
import type { TopologyDocument, TopologyEdge, TopologyNode } from "../api/documents.ts";
import { type Level, levelOfSuccess, worst } from "../format/health.ts";

export interface ViewNode {
  readonly id: string;
  readonly kind: TopologyNode["kind"] | "group";
  readonly label: string;
  /** Namespace; empty outside of the mesh. */
  readonly group: string;
  /** Services that a folded namespace holds; 1 otherwise. */
  readonly size: number;
  readonly versions: readonly string[];
  /** What reaches it, and what it sends where nothing does. */
  readonly perSecond: number;
  readonly level: Level;
}

export interface ViewEdge {
  readonly from: string;
  readonly to: string;
  readonly perSecond: number;
  readonly errorShare: number;
  /** Of the slowest of what is added up here. */
  readonly p99Ms: number;
  /** From 0 to 1, by requests. */
  readonly mutualTlsShare: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly level: Level;
}

export interface ViewGraph {
  readonly nodes: readonly ViewNode[];
  readonly edges: readonly ViewEdge[];
  /** Every namespace of the document, folded or not, by name. */
  readonly groups: readonly string[];
}

export interface ViewChoice {
  readonly folded: ReadonlySet<string>;
  /** Node whose neighbourhood alone is drawn. */
  readonly focus?: string | undefined;
  readonly depth?: number;
}

interface Sum {
  count: number;
  failures: number;
  p99Ms: number;
  mutual: number;
  versions: Record<string, number>;
}

/** The id of a folded namespace; no node of the API has a slash alone at its end. */
function groupId(group: string): string {
  return `${group}/`;
}

export function viewGraph(document: TopologyDocument, choice: ViewChoice): ViewGraph {
  const groups = [...new Set(document.nodes.map(({ namespace }) => namespace))]
    .filter((name) => name !== "")
    .toSorted();
  const near = neighbourhood(document, choice.focus, choice.depth ?? 1);
  const nodes = document.nodes.filter(({ id }) => near === undefined || near.has(id));
  // Whoever looks at one service wants to see its neighbours themselves.
  const folded = near === undefined ? choice.folded : new Set<string>();
  const placeOf = new Map(
    nodes.map(({ id, namespace }) => [
      id,
      folded.has(namespace) && namespace !== "" ? groupId(namespace) : id,
    ]),
  );
  const edges = addUp(document, placeOf);
  return { nodes: describe({ document, nodes, folded, edges }), edges, groups };
}

function addUp(document: TopologyDocument, placeOf: ReadonlyMap<string, string>): ViewEdge[] {
  const sums = new Map<string, Map<string, Sum>>();
  for (const edge of document.edges) {
    const from = placeOf.get(edge.source);
    const to = placeOf.get(edge.destination);
    // Calls within a folded namespace are not drawn.
    if (from === undefined || to === undefined || (from === to && from.endsWith("/"))) continue;
    const ofSource = sums.get(from) ?? new Map<string, Sum>();
    sums.set(from, ofSource);
    const sum = ofSource.get(to) ?? { count: 0, failures: 0, p99Ms: 0, mutual: 0, versions: {} };
    ofSource.set(to, sum);
    addTo(sum, edge);
  }
  const seconds = Math.max(1, document.windowSeconds);
  return [...sums].flatMap(([from, ofSource]) =>
    [...ofSource].map(([to, sum]) => finish(from, to, sum, seconds)),
  );
}

function addTo(sum: Sum, edge: TopologyEdge): void {
  sum.count += edge.count;
  sum.failures += edge.failures;
  sum.p99Ms = Math.max(sum.p99Ms, edge.p99Ms);
  if (edge.isMutualTls) sum.mutual += edge.count;
  for (const [version, count] of Object.entries(edge.versions))
    sum.versions[version] = (sum.versions[version] ?? 0) + count;
}

function finish(from: string, to: string, sum: Sum, seconds: number): ViewEdge {
  const { count, failures, p99Ms, mutual, versions } = sum;
  const errorShare = count === 0 ? 0 : failures / count;
  return {
    from,
    to,
    perSecond: count / seconds,
    errorShare,
    p99Ms,
    mutualTlsShare: count === 0 ? 1 : mutual / count,
    versions,
    level: levelOfSuccess(1 - errorShare, count),
  };
}

interface Drawing {
  readonly document: TopologyDocument;
  readonly nodes: readonly TopologyNode[];
  readonly folded: ReadonlySet<string>;
  readonly edges: readonly ViewEdge[];
}

function describe({ document, nodes, folded, edges }: Drawing): ViewNode[] {
  const inbound = Map.groupBy(edges, ({ to }) => to);
  const outbound = Map.groupBy(edges, ({ from }) => from);
  const rateOf = (id: string): number => sumOf(inbound.get(id) ?? outbound.get(id) ?? []);
  const levelOf = (id: string): Level => worst((inbound.get(id) ?? []).map(({ level }) => level));
  const versionsOf = (id: string): string[] =>
    [...new Set((inbound.get(id) ?? []).flatMap(({ versions }) => Object.keys(versions)))]
      .filter((each) => each !== "")
      .toSorted();
  const drawn: ViewNode[] = [];
  const sizes = new Map<string, number>();
  for (const { id, kind, name, namespace } of nodes) {
    if (namespace !== "" && folded.has(namespace)) {
      sizes.set(namespace, (sizes.get(namespace) ?? 0) + 1);
      continue;
    }
    const label = name === "" ? id : name;
    const figures = { perSecond: rateOf(id), level: levelOf(id), versions: versionsOf(id) };
    drawn.push({ id, kind, label, group: namespace, size: 1, ...figures });
  }
  const worstOf = levelsOfGroups(document, nodes);
  for (const [group, size] of sizes) {
    const id = groupId(group);
    drawn.push({
      id,
      kind: "group",
      label: group,
      group,
      size,
      versions: [],
      perSecond: rateOf(id),
      level: worst(worstOf.get(group) ?? []),
    });
  }
  return drawn;
}

/** A service that fails shows through the namespace that is folded over it, also where its callers are folded too. */
function levelsOfGroups(
  document: TopologyDocument,
  nodes: readonly TopologyNode[],
): ReadonlyMap<string, readonly Level[]> {
  const sums = new Map<string, { count: number; failures: number }>();
  for (const { destination, count, failures } of document.edges) {
    const sum = sums.get(destination) ?? { count: 0, failures: 0 };
    sums.set(destination, { count: sum.count + count, failures: sum.failures + failures });
  }
  const levels = new Map<string, Level[]>();
  for (const { id, namespace } of nodes) {
    const { count, failures } = sums.get(id) ?? { count: 0, failures: 0 };
    const level = levelOfSuccess(count === 0 ? 1 : 1 - failures / count, count);
    const ofGroup = levels.get(namespace);
    if (ofGroup === undefined) levels.set(namespace, [level]);
    else ofGroup.push(level);
  }
  return levels;
}

function sumOf(edges: readonly ViewEdge[]): number {
  return edges.reduce((sum, { perSecond }) => sum + perSecond, 0);
}

/** Undefined: everything. */
function neighbourhood(
  document: TopologyDocument,
  focus: string | undefined,
  depth: number,
): ReadonlySet<string> | undefined {
  if (focus === undefined || !document.nodes.some(({ id }) => id === focus)) return undefined;
  const found = new Set([focus]);
  // Callers of callers and callees of callees; not what else a neighbour calls.
  for (const [near, far] of [
    ["source", "destination"],
    ["destination", "source"],
  ] as const) {
    let edge = new Set([focus]);
    for (let step = 0; step < depth; step++) {
      const next = new Set(document.edges.filter((each) => edge.has(each[near])).map((each) => each[far]));
      for (const id of next) found.add(id);
      edge = next;
    }
  }
  return found;
}
