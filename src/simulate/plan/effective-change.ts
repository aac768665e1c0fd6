/** Which proxies are touched by a proposal, and by what: a resource counts for a proxy where it would be sent to it. */
import type { ResourceName } from "../../compile/index.ts";
import type { Steps } from "../../kernel/index.ts";
import { holderOf, nameText, type Proposal, type ResourceChange, type TrackedMesh } from "./tracked-mesh.ts";

export interface PlannedProxy {
  readonly role: "sidecar" | "gateway";
  /** "namespace/name" of its workload; of a Gateway where nobody serves it yet. */
  readonly name: string;
  /** What it has by name: its Inbound or Gateways, and what its application dials. */
  readonly roots: readonly ResourceName[];
}

type Outcome = "added" | "changed" | "removed";

export interface ProxyChange {
  readonly resource: ResourceChange;
  readonly outcome: Outcome;
}

export interface TouchedProxy {
  readonly proxy: PlannedProxy;
  /** In the order of kinds and keys. */
  readonly changes: readonly ProxyChange[];
}

/** With the proposal in the mesh. Proxies that nothing is different for are not in it. */
export function* touchedProxies(
  mesh: TrackedMesh,
  { changes }: Proposal,
  proxies: readonly PlannedProxy[],
): Steps<TouchedProxy[]> {
  const changed = new Map(changes.map((change) => [nameText(change), change]));
  const closures = new Map<
    string,
    { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> }
  >();
  const byHolder = Map.groupBy(changes, holderOf);
  const isAffected = new Set<string>(changed.keys());
  for (const holder of byHolder.keys()) {
    const [kind, key] = split(holder);
    for (const root of mesh.rootsWith({ kind, key })) isAffected.add(root);
  }
  yield;
  const touched: TouchedProxy[] = [];
  for (const proxy of proxies) {
    yield;
    const roots = proxy.roots.filter((root) => isAffected.has(nameText(root)));
    if (roots.length === 0) continue;
    const before = new Set<string>();
    const after = new Set<string>();
    // Of the whole proxy: what one root no longer needs another one may go on needing.
    for (const root of proxy.roots) {
      const change = changed.get(nameText(root));
      let closure = closures.get(nameText(root));
      if (closure === undefined) {
        closure = closuresOf(mesh, root, change);
        closures.set(nameText(root), closure);
        yield;
      }
      for (const text of closure.before) before.add(text);
      for (const text of closure.after) after.add(text);
    }
    const own = changesOf(roots, { before, after, changed, byHolder, mesh });
    if (own.length > 0) touched.push({ proxy, changes: own });
    yield;
  }
  return touched;
}

interface Sides {
  /** Clusters and certificates, as `nameText`. */
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
  readonly changed: ReadonlyMap<string, ResourceChange>;
  readonly byHolder: ReadonlyMap<string, readonly ResourceChange[]>;
  readonly mesh: TrackedMesh;
}

function changesOf(roots: readonly ResourceName[], sides: Sides): ProxyChange[] {
  const { before, after, changed, byHolder, mesh } = sides;
  const found = new Map<string, ProxyChange>();
  const add = (resource: ResourceChange, outcome: Outcome): void =>
    void found.set(nameText(resource), { resource, outcome });
  for (const root of roots) {
    const change = changed.get(nameText(root));
    if (change !== undefined) add(change, outcomeOf(change));
  }
  for (const holder of new Set([...before, ...after])) {
    const changes = byHolder.get(holder) ?? [];
    if (before.has(holder) && after.has(holder)) {
      for (const change of changes) add(change, outcomeOf(change));
      continue;
    }
    // The proxy comes to have it, or loses it, whether or not it is another one by itself.
    for (const name of mesh.partsOf(holder, after.has(holder) ? "after" : "before")) {
      const known = changed.get(nameText(name));
      const same = mesh.resource(name);
      if (after.has(holder)) add({ ...name, before: undefined, after: known?.after ?? same }, "added");
      else add({ ...name, before: known === undefined ? same : known.before, after: undefined }, "removed");
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, change]) => change);
}

function outcomeOf({ before, after }: ResourceChange): Outcome {
  if (before === undefined) return "added";
  return after === undefined ? "removed" : "changed";
}

function closuresOf(mesh: TrackedMesh, root: ResourceName, change: ResourceChange | undefined) {
  const after = keysOf(mesh.resource(root)?.closure);
  return { before: change === undefined ? after : keysOf(change.before?.closure), after };
}

function keysOf(
  closure: { readonly clusters: readonly string[]; readonly certificates: readonly string[] } | undefined,
) {
  const { clusters = [], certificates = [] } = closure ?? {};
  return new Set([
    ...clusters.map((key) => `Cluster ${key}`),
    ...certificates.map((key) => `Certificate ${key}`),
  ]);
}

function split(text: string): [ResourceName["kind"], string] {
  const kind = text.startsWith("Cluster ") ? "Cluster" : "Certificate";
  return [kind, text.slice(kind.length + 1)];
}
