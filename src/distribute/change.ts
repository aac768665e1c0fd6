/** One change for one subscriber, in the order in which it must be sent: make before break, then the commit. */
import type { MemberSet } from "./member-set.ts";
import type { ResourceKind, ResourceName, SourceResource } from "./resource-source.ts";

export interface Upsert extends ResourceName {
  readonly resource: SourceResource;
}

export interface Change {
  /** Names this change in acknowledgements; grows over all subscribers of a core. */
  readonly sequence: number;
  readonly revision: number;
  readonly upserts: readonly Upsert[];
  /** All endpoints of clusters that the subscriber has nothing of; none of them is among the upserts. */
  readonly sets: readonly MemberSet[];
  /** Gone, or never there: the answer to a name that does not exist. */
  readonly removals: readonly ResourceName[];
}

/** What others refer to comes before what refers to it; removals go the other way round. */
const sendOrder: readonly ResourceKind[] = [
  "Cluster",
  "Endpoint",
  "Certificate",
  "Outbound",
  "Gateway",
  "Inbound",
  "Name",
  "Address",
  "Mesh",
];

/** What is sent, one by one, in that order. */
export function* allUpserts({ upserts, sets }: Pick<Change, "upserts" | "sets">): Iterable<Upsert> {
  const end = startAfterSets(upserts);
  yield* upserts.slice(0, end);
  for (const { resources } of sets) {
    for (const [key, resource] of resources) yield { kind: "Endpoint", key, resource };
  }
  yield* upserts.slice(end);
}

/** Where in sorted upserts the sets have their place: behind the clusters. */
export function startAfterSets(upserts: readonly Upsert[]): number {
  const index = upserts.findIndex(({ kind }) => rankOf(kind) >= rankOf("Endpoint"));
  return index < 0 ? upserts.length : index;
}

const ranks = new Map(sendOrder.map((kind, rank) => [kind, rank]));

/** Stable: within a kind the order stays. */
export function sortUpserts(upserts: readonly Upsert[]): Upsert[] {
  return upserts.toSorted((a, b) => rankOf(a.kind) - rankOf(b.kind));
}

export function sortRemovals(removals: readonly ResourceName[]): ResourceName[] {
  return removals.toSorted((a, b) => rankOf(b.kind) - rankOf(a.kind));
}

function rankOf(kind: ResourceKind): number {
  return ranks.get(kind) ?? 0;
}
