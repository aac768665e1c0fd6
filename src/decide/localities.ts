/**
 * Which endpoints are alternatives of which: sets in the order in which they take requests. `Endpoint.priority` comes
 * first; among those of one priority nearness to this proxy, or the operator's shares where there are any.
 *
 *   nearness: same zone (where preferred) < same region < failover regions in their order < the rest
 *   shares:   what the shares name, by weight < the rest, for when nothing of that is fit
 */
import type { Endpoint, Locality, LocalityWeight } from "../model/index.ts";

/** Where this proxy runs. Empty: not known, and then nobody is near. */
export interface Place {
  readonly region: string;
  readonly zone: string;
}

export interface Placed {
  readonly endpoint: Pick<Endpoint, "region" | "zone" | "priority">;
}

export interface MemberGroup<M> {
  /** The same for the same place in the next configuration. */
  readonly name: string;
  /** Groups of one level share its requests by weight; the lower level comes first. From 0, without gaps. */
  readonly level: number;
  readonly priority: number;
  readonly weight: number;
  readonly members: readonly M[];
}

interface Standing {
  readonly rank: number;
  readonly name: string;
  readonly weight: number;
}

/** Where the model says nothing. */
const preferSameZone = true;

/** Sorted by level; none is empty. */
export function groupByLocality<M extends Placed>(
  members: readonly M[],
  locality: Locality | undefined,
  own: Place,
): MemberGroup<M>[] {
  const standingOf = standings(locality, own);
  const found = new Map<
    string,
    { readonly priority: number; readonly standing: Standing; readonly members: M[] }
  >();
  for (const member of members) {
    const { priority } = member.endpoint;
    const standing = standingOf(member.endpoint);
    const name = `${priority}/${standing.rank}/${standing.name}`;
    const group = found.get(name);
    if (group === undefined) found.set(name, { priority, standing, members: [member] });
    else group.members.push(member);
  }
  const sorted = [...found].toSorted(
    ([, a], [, b]) => a.priority - b.priority || a.standing.rank - b.standing.rank,
  );
  let level = -1;
  let before: { readonly priority: number; readonly standing: Standing } | undefined;
  return sorted.map(([name, group]) => {
    if (before?.priority !== group.priority || before.standing.rank !== group.standing.rank) level++;
    before = group;
    const { priority, standing } = group;
    return { name, level, priority, weight: standing.weight, members: group.members };
  });
}

type StandingOf = (place: Place) => Standing;

function standings(locality: Locality | undefined, own: Place): StandingOf {
  const weights = weightsFrom(locality?.weights ?? [], own);
  return weights.length > 0 ? byWeight(weights) : byNearness(locality, own);
}

const anywhere: Standing = { rank: 0, name: "", weight: 1 };

function byNearness(locality: Locality | undefined, own: Place): StandingOf {
  const failover = locality?.failover.find(({ from }) => from === own.region)?.to;
  const minds = locality === undefined ? preferSameZone : locality.preferSameZone;
  if (own.region === "" && own.zone === "") return () => anywhere;
  if (!minds && failover === undefined) return () => anywhere;
  const sameZone = { rank: 0, name: "zone", weight: 1 };
  const sameRegion = { rank: 1, name: "region", weight: 1 };
  const last = { rank: 2 + (failover?.length ?? 0), name: "rest", weight: 1 };
  const inOrder = (failover ?? []).map((name, index) => ({ rank: 2 + index, name, weight: 1 }));
  return ({ region, zone }) => {
    if (region === own.region) {
      if (minds && zone !== "" && zone === own.zone) return sameZone;
      return region === "" ? last : sameRegion;
    }
    return inOrder.find(({ name }) => name === region) ?? last;
  };
}

function byWeight(weights: readonly LocalityWeight[]): StandingOf {
  const shares = weights.map(({ to, weight }) => ({ rank: 0, name: to, weight }));
  const rest = { rank: 1, name: "rest", weight: 1 };
  return (place) => {
    const exact = shares.find(({ name }) => name === `${place.region}/${place.zone}`);
    const share = exact ?? shares.find(({ name }) => name === place.region || name === "*");
    return share === undefined || share.weight === 0 ? rest : share;
  };
}

/** Those of the most specific `from` that this proxy is in: its zone, its region, everywhere. */
function weightsFrom(weights: readonly LocalityWeight[], own: Place): readonly LocalityWeight[] {
  for (const from of [`${own.region}/${own.zone}`, own.region, "*"]) {
    const fitting = from === "" || from === "/" ? [] : weights.filter((weight) => weight.from === from);
    if (fitting.length > 0) return fitting;
  }
  return [];
}
