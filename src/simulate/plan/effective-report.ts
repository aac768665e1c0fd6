/** What proxies have besides or instead by a change of objects, told with its differences and bounded. */
import { type EffectiveChanges, maxToldChanges, maxToldProxies } from "../../api/index.ts";
import {
  type PlannedProxy,
  type ProxyChange,
  type TouchedProxy,
  touchedProxies,
} from "./effective-change.ts";
import { resourceDiff } from "./resource-diff.ts";
import type { Steps } from "../../kernel/index.ts";
import { nameText, type ObjectChanges, type Proposal, type TrackedMesh } from "./tracked-mesh.ts";

/** Between the mesh and the mesh with the changes in it; it is as before when this is done. */
export function* compareConfigurations(
  mesh: TrackedMesh,
  changes: ObjectChanges,
  proxies: readonly PlannedProxy[],
): Steps<EffectiveChanges> {
  yield* trackAll(mesh, proxies);
  const proposal = yield* mesh.propose(changes);
  try {
    return yield* effectiveChanges(mesh, proposal, proxies);
  } finally {
    yield* mesh.withdraw(changes);
  }
}

export function* trackAll(mesh: TrackedMesh, proxies: readonly PlannedProxy[]): Steps<void> {
  for (const proxy of proxies) {
    for (const root of proxy.roots) yield* mesh.track(root);
    yield;
  }
}

/** With the proposal in the mesh. */
export function* effectiveChanges(
  mesh: TrackedMesh,
  proposal: Proposal,
  proxies: readonly PlannedProxy[],
): Steps<EffectiveChanges> {
  const touched = yield* touchedProxies(mesh, proposal, proxies);
  return {
    ...(yield* toldChanges(touched)),
    workloads: touched.slice(0, maxToldProxies).map(({ proxy, changes }) => ({
      name: proxy.name,
      role: proxy.role,
      changes: changes.map(({ resource }) => nameText(resource)),
    })),
    workloadsOmitted: Math.max(0, touched.length - maxToldProxies),
    touched: touched.length,
    unaffected: proxies.length - touched.length,
  };
}

/** Each once, with its difference, however many proxies have it. */
function* toldChanges(
  touched: readonly TouchedProxy[],
): Steps<Pick<EffectiveChanges, "changes" | "changesOmitted">> {
  const all = new Map<string, { readonly change: ProxyChange; proxies: number }>();
  for (const { changes } of touched) {
    for (const change of changes) {
      const text = `${nameText(change.resource)} ${change.outcome}`;
      const known = all.get(text);
      if (known === undefined) all.set(text, { change, proxies: 1 });
      else known.proxies++;
    }
    yield;
  }
  const told: EffectiveChanges["changes"][number][] = [];
  for (const { change, proxies } of all.values()) {
    if (told.length === maxToldChanges) break;
    const { resource, outcome } = change;
    const diff = resourceDiff(resource.kind, resource.before, resource.after);
    told.push({ what: nameText(resource), outcome, diff, proxies });
    yield;
  }
  return { changes: told, changesOmitted: Math.max(0, all.size - maxToldChanges) };
}
