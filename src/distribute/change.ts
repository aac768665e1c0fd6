/** One change for one subscriber, in the order in which it must be sent: make before break, then the commit. */
import type { ResourceKind, ResourceName, SourceResource } from "./resource-source.ts";

export interface Upsert extends ResourceName {
  readonly resource: SourceResource;
}

export interface Change {
  /** Names this change in acknowledgements; grows over all subscribers of a core. */
  readonly sequence: number;
  readonly revision: number;
  readonly upserts: readonly Upsert[];
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
