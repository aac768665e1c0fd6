/** A part of a topology: what touches a namespace, or what is near one node. */
import type { Series } from "../series.ts";

export interface TopologyScope {
  /** Edges with an end in it. */
  readonly namespace?: string | undefined;
  /** Id of a node: its callers and callees, and theirs as far as `depth` goes. */
  readonly focus?: string | undefined;
  /** Default 1. */
  readonly depth?: number | undefined;
}

interface Ends {
  readonly source: string;
  readonly destination: string;
}

interface Part<N extends { readonly id: string }, E extends Ends> {
  readonly nodes: N[];
  readonly edges: E[];
}

export function narrowTopology<N extends { readonly id: string }, E extends Ends>(
  all: Part<N, E>,
  { namespace, focus, depth = 1 }: TopologyScope,
): Part<N, E> {
  if (namespace === undefined && focus === undefined) return all;
  let { edges } = all;
  if (namespace !== undefined) {
    const isInside = (id: string): boolean => id.startsWith(`${namespace}/`);
    edges = edges.filter(({ source, destination }) => isInside(source) || isInside(destination));
  }
  if (focus !== undefined) {
    const near = new Set([focus]);
    let seen: E[] = [];
    for (let step = 0; step < depth; step++) {
      seen = edges.filter(({ source, destination }) => near.has(source) || near.has(destination));
      for (const { source, destination } of seen) near.add(source).add(destination);
    }
    edges = seen;
  }
  const ids = new Set(edges.flatMap(({ source, destination }) => [source, destination]));
  return { edges, nodes: all.nodes.filter(({ id }) => ids.has(id) || id === focus) };
}

/** What may be in the part: less to add up in a large mesh. */
export function seriesInScope({ namespace, focus, depth = 1 }: TopologyScope): (series: Series) => boolean {
  const prefix = namespace === undefined ? "" : `${namespace}/`;
  return ({ sourceWorkload: source, destinationWorkload, destinationService }) => {
    // What is outside the mesh stands in the topology by its service.
    const destination = destinationWorkload === "" ? destinationService : destinationWorkload;
    if (!source.startsWith(prefix) && !destination.startsWith(prefix)) return false;
    return focus === undefined || depth > 1 || isNamed(source, focus) || isNamed(destination, focus);
  };
}

function isNamed(end: string, id: string): boolean {
  return end === id || (end === "" && id === "unknown");
}
