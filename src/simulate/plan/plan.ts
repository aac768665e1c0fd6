/**
 * What a change would do: which objects and compiled resources become others, which proxies are sent something, which of the
 * given requests end otherwise, and what the author can hardly mean. The mesh is as before when it is done.
 */
import {
  isKindName,
  keyOf,
  keyText,
  type PlanReport,
  type PlanWarning,
  type TransactionResult,
} from "../../api/index.ts";
import type { StatusUpdate } from "../../compile/index.ts";
import type { PlannedProxy } from "./effective-change.ts";
import { effectiveChanges, trackAll } from "./effective-report.ts";
import { flipsBetween, lockedOut, type PlannedRequest, results, type Simulate } from "./flips.ts";
import { objectDiff } from "./object-diff.ts";
import type { Steps } from "../../kernel/index.ts";
import type { ObjectChanges, Proposal, TrackedMesh } from "./tracked-mesh.ts";
import { securityLockOuts } from "./warnings/security-lock-outs.ts";
import { objectWarnings } from "./warnings/object-warnings.ts";
import { shadowedRules } from "./warnings/shadowed-rules.ts";
import { statusWarnings } from "./warnings/status-warnings.ts";

export interface PlanInput {
  readonly mesh: TrackedMesh;
  readonly changes: ObjectChanges;
  /** What becomes of each object, in the order in which it is told. */
  readonly outcomes: readonly TransactionResult[];
  readonly proxies: readonly PlannedProxy[];
  readonly requests: readonly PlannedRequest[];
  /** For the mesh as it is at that moment. */
  readonly simulatorOf: (mesh: TrackedMesh) => Simulate;
  /** "namespace/name" of workloads to which somebody comes without a certificate. */
  readonly plaintextCallers: ReadonlySet<string>;
  readonly revision: number;
}

const maxWarnings = 1_000;

export function* planChange(input: PlanInput): Steps<PlanReport> {
  const { mesh, changes, proxies, requests, revision } = input;
  yield* trackAll(mesh, proxies);
  const before = yield* results(requests, input.simulatorOf(mesh));
  const old = yield* warningsOf(input, false);
  const knownStatuses = new Map(mesh.statuses().map((status) => [statusKey(status), status]));
  const proposal = yield* mesh.propose(changes);
  try {
    const effective = yield* effectiveChanges(mesh, proposal, proxies);
    const after = yield* results(requests, input.simulatorOf(mesh));
    const warnings = [
      ...statusChanges(mesh, knownStatuses, changes),
      ...(yield* warningsOf(input, true)),
      ...(yield* shadows(proposal)),
      ...lockedOut(requests, before, after),
    ];
    const known = new Set(old.map(({ message }) => message));
    const fresh = distinct(warnings.filter(({ message }) => !known.has(message)));
    return {
      revision,
      objects: yield* toldObjects(input),
      ...effective,
      requests: before.filter((result) => result !== undefined).length,
      flips: flipsBetween(requests, before, after),
      warnings: fresh.slice(0, maxWarnings),
      warningsOmitted: Math.max(0, fresh.length - maxWarnings),
    };
  } finally {
    yield* mesh.withdraw(changes);
  }
}

function* toldObjects({ mesh, changes, outcomes }: PlanInput): Steps<PlanReport["objects"]> {
  const upserted = new Map(changes.upserted.map((object) => [keyText(keyOf(object)), object]));
  const told: PlanReport["objects"][number][] = [];
  for (const outcome of outcomes) {
    const key = isKindName(outcome.kind) ? keyText({ ...outcome, kind: outcome.kind }) : "";
    const isSame = outcome.outcome === "unchanged";
    told.push({ ...outcome, diff: isSame ? [] : objectDiff(mesh.objects.get(key), upserted.get(key)) });
    yield;
  }
  return told;
}

/** Objects that have endpoints, or are some. */
const reached: ReadonlySet<string> = new Set(["Service", "MeshWorkload", "EndpointSlice"]);

/** What is to be said of the change's objects, and of routes to services that it changes. Before, only of the latter: the author is told of his own objects whether or not it was so before. */
function* warningsOf({ mesh, changes, plaintextCallers }: PlanInput, isAfter: boolean): Steps<PlanWarning[]> {
  const found: PlanWarning[] = [];
  const own = new Set([
    ...changes.upserted.map((object) => keyText(keyOf(object))),
    ...changes.removed.map(keyText),
  ]);
  for (const object of isAfter ? changes.upserted : []) {
    found.push(...objectWarnings(object, mesh.registry));
    yield;
  }
  if ([...changes.upserted, ...changes.removed].some(({ kind }) => reached.has(kind))) {
    for (const [key, object] of mesh.objects) {
      if (own.has(key) || !object.kind.endsWith("Route")) continue;
      found.push(...objectWarnings(object, mesh.registry));
      yield;
    }
  }
  found.push(
    ...(yield* securityLockOuts(mesh.objects, isAfter ? changes : undefined, changes, plaintextCallers)),
  );
  return found;
}

/** Of objects of the change, and of others to which it brought something that was not there. */
function statusChanges(
  mesh: TrackedMesh,
  known: ReadonlyMap<string, StatusUpdate>,
  { upserted }: ObjectChanges,
): PlanWarning[] {
  const own = new Set(upserted.map((object) => keyText(keyOf(object))));
  return mesh.statuses().flatMap((status) => {
    const before = known.get(statusKey(status));
    const isOwn = own.has(keyText(status));
    if (!isOwn && before === status) return [];
    const old = isOwn || before === undefined ? [] : statusWarnings(before, false);
    const messages = new Set(old.map(({ message }) => message));
    return statusWarnings(status, mesh.compiler.isQuarantined(status)).filter(
      ({ message }) => !messages.has(message),
    );
  });
}

function statusKey({ kind, namespace, name }: StatusUpdate): string {
  return `${kind} ${namespace}/${name}`;
}

/** New ones: of those that there were before nobody is told again. */
function* shadows({ changes }: Proposal): Steps<PlanWarning[]> {
  const found: PlanWarning[] = [];
  for (const { before, after } of changes) {
    const known = new Set(before === undefined ? [] : shadowedRules(before).map(({ message }) => message));
    const now = after === undefined ? [] : shadowedRules(after);
    found.push(...now.filter(({ message }) => !known.has(message)));
    yield;
  }
  return found;
}

function distinct(warnings: readonly PlanWarning[]): PlanWarning[] {
  return [...new Map(warnings.map((warning) => [`${warning.code} ${warning.message}`, warning])).values()];
}
