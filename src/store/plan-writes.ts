/**
 * PURE: what a set of writes makes of the objects that are there. Decides resourceVersion, uid, generation and status,
 * refuses conflicts, and leaves out what would change nothing. All stores write through this, so that they agree.
 */
import {
  type ApiObject,
  changeIssues,
  isStored,
  keyOf,
  keyText,
  type ObjectKey,
  parseObject,
  type Stored,
} from "../api/index.ts";
import { secondsText, WeftError } from "../kernel/index.ts";
import type { OperationalWrite, WatchEvent, Write } from "./store.ts";

export interface PlannedChange {
  readonly type: WatchEvent["type"];
  readonly key: ObjectKey;
  readonly before: Stored | undefined;
  /** For deleted: the last state, with the resourceVersion of the deletion. */
  readonly object: Stored;
}

export interface PlanContext {
  /** Operators write no status; the control plane's own writes may carry one. */
  readonly mode: "commit" | "operational";
  current(key: ObjectKey): Stored | undefined;
  /** The sequence before the first of these writes. */
  readonly sequence: number;
  readonly nowMs: number;
  newUid(): string;
}

export interface Plan {
  /** One for each write that changes something; each takes the next sequence. */
  readonly changes: readonly PlannedChange[];
  /** The state after each write, in order; a status write to something that is gone has none. */
  readonly objects: readonly Stored[];
}

/** Throws `conflict` where a commit was planned on another revision than the newest. */
export function checkPlannedOn(plannedOn: number | undefined, revision: number): void {
  if (plannedOn === undefined || plannedOn === revision) return;
  throw new WeftError("conflict", `somebody else has committed revision ${revision} meanwhile`, {
    hint: "try again",
    fields: { revision },
  });
}

export function planWrites(writes: readonly (Write | OperationalWrite)[], context: PlanContext): Plan {
  const changes: PlannedChange[] = [];
  const objects: Stored[] = [];
  const seen = new Set<string>();
  for (const write of writes) {
    const key = keyOfWrite(write);
    if (seen.has(keyText(key)))
      throw new WeftError("bad_input", `${keyText(key)} is written twice in one transaction`);
    seen.add(keyText(key));
    const before = context.current(key);
    checkExpected(key, before, write.expectedResourceVersion);
    const sequence = context.sequence + changes.length + 1;
    const change = planWrite(write, before, sequence, context);
    if (change !== undefined) changes.push(change);
    const object = change?.object ?? before;
    if (object !== undefined) objects.push(object);
  }
  return { changes, objects };
}

function planWrite(
  write: OperationalWrite,
  before: Stored | undefined,
  sequence: number,
  context: PlanContext,
): PlannedChange | undefined {
  const key = keyOfWrite(write);
  switch (write.type) {
    case "delete": {
      if (before === undefined) throw new WeftError("not_found", `${keyText(key)} does not exist`);
      return { type: "deleted", key, before, object: restamp(before, before, sequence) };
    }
    case "status": {
      if (before === undefined || Bun.deepEquals(statusOf(write.object), statusOf(before), true))
        return undefined;
      const object = restamp({ ...before, status: statusOf(write.object) }, before, sequence);
      return { type: "modified", key, before, object };
    }
    case "put": {
      if (before === undefined)
        return { type: "added", key, before, object: create(write.object, sequence, context) };
      return replace(write.object, before, sequence, context);
    }
  }
}

function keyOfWrite(write: OperationalWrite): ObjectKey {
  return write.type === "delete" ? write.key : keyOf(write.object);
}

function checkExpected(key: ObjectKey, before: Stored | undefined, expected: string | undefined): void {
  if (expected === undefined) return;
  const actual = before?.metadata.resourceVersion ?? "";
  if (actual === expected) return;
  if (expected === "") throw new WeftError("already_exists", `${keyText(key)} already exists`);
  const state = before === undefined ? "has been deleted" : "has been changed by somebody else";
  throw new WeftError("conflict", `${keyText(key)} ${state} since it was read`, {
    hint: "read it again and retry",
  });
}

function create(object: ApiObject, sequence: number, context: PlanContext): Stored {
  return assemble({
    ...object,
    ...(context.mode === "commit" ? { status: undefined } : {}),
    metadata: {
      ...object.metadata,
      uid: context.newUid(),
      resourceVersion: String(sequence),
      generation: 1,
      creationTimestamp: secondsText(context.nowMs),
    },
  });
}

function replace(
  object: ApiObject,
  before: Stored,
  sequence: number,
  context: PlanContext,
): PlannedChange | undefined {
  const key = keyOf(before);
  const [first, ...more] = changeIssues(before, object);
  if (first !== undefined) {
    const message = `${keyText(key)}: ${first.path}: ${first.message}`;
    throw new WeftError("bad_input", message, { issues: [first, ...more] });
  }
  const status = (context.mode === "operational" ? statusOf(object) : undefined) ?? statusOf(before);
  const isContentEqual = Bun.deepEquals(contentOf(object), contentOf(before), true);
  const next = {
    ...object,
    status,
    metadata: {
      ...withoutManagers(object.metadata),
      ...keptManagers(object, before),
      generation: before.metadata.generation + (isContentEqual ? 0 : 1),
    },
  };
  const isUnchanged =
    isContentEqual &&
    Bun.deepEquals(managersOf(next), managersOf(before), true) &&
    Bun.deepEquals(notesOf(object), notesOf(before), true) &&
    Bun.deepEquals(status, statusOf(before), true);
  if (isUnchanged) return undefined;
  return { type: "modified", key, before, object: restamp(next, before, sequence, next.metadata.generation) };
}

/** Keeps what the server owns of `before` and gives the next resourceVersion. */
function restamp(
  object: Readonly<Record<string, unknown>> & { readonly metadata: ApiObject["metadata"] },
  before: Stored,
  sequence: number,
  generation = before.metadata.generation,
): Stored {
  const { uid, creationTimestamp } = before.metadata;
  return assemble({
    ...object,
    metadata: { ...object.metadata, uid, creationTimestamp, generation, resourceVersion: String(sequence) },
  });
}

/** Also a copy: what is stored is nobody else's to change. */
function assemble(raw: unknown): Stored {
  const parsed = parseObject(raw, "read");
  if ("issues" in parsed) {
    throw new WeftError("bad_input", "the object is not valid", { issues: parsed.issues });
  }
  if (!isStored(parsed.object))
    throw new WeftError("internal", `${keyText(keyOf(parsed.object))} lacks the server's metadata`);
  return parsed.object;
}

/** The same state, written later than it was planned. */
export function atSequence(object: Stored, sequence: number): Stored {
  return restamp(object, object, sequence);
}

function statusOf(object: ApiObject): unknown {
  return "status" in object ? object.status : undefined;
}

/** All but metadata and status: what counts as a new generation. */
function contentOf(object: ApiObject): unknown {
  return { ...object, metadata: undefined, status: undefined };
}

function notesOf(object: ApiObject): unknown {
  return { labels: object.metadata.labels ?? {}, annotations: object.metadata.annotations ?? {} };
}

/** Who does not say whose fields are whose leaves that as it is. */
function keptManagers(object: ApiObject, before: Stored): Pick<ApiObject["metadata"], "managedFields"> {
  const managedFields = object.metadata.managedFields ?? before.metadata.managedFields;
  return managedFields === undefined || managedFields.length === 0 ? {} : { managedFields };
}

function withoutManagers(metadata: ApiObject["metadata"]) {
  const { managedFields: _, ...rest } = metadata;
  return rest;
}

function managersOf({ metadata }: Pick<ApiObject, "metadata">): unknown {
  return metadata.managedFields ?? [];
}

/** What the history keeps: neither status, nor the number of the write, nor whose fields are whose. */
export function historyForm(object: Stored): unknown {
  const { resourceVersion: _, managedFields: __, ...metadata } = object.metadata;
  return { ...object, status: undefined, metadata };
}
