/** Whose fields are whose after a write: what a request says of itself, laid upon what the object keeps of earlier writers. */
import { type ApiObject, apiVersionOf, kinds, type KindName, type Stored } from "../api/index.ts";
import { type Issue, secondsText, WeftError } from "../kernel/index.ts";
import {
  conflictPaths,
  conflictText,
  decodeManagers,
  earlierManagers,
  encodeManagers,
  type FieldWriter,
  type ManagerEntry,
  managersAfterApply,
  managersAfterUpdate,
} from "./managed-fields/managers.ts";

/** The object's `managedFields` after a write; undefined: they stay as they are. Throws `conflict`. */
export type FieldTracker = (
  before: Stored | undefined,
  after: ApiObject,
) => readonly Record<string, unknown>[] | undefined;

/** Under which weft's own verbs own what they change, of objects whose fields are told apart already. */
const ownManager = "weft";

export function withFields<T extends ApiObject>(
  object: T,
  existing: Stored | undefined,
  { fields }: { readonly fields?: FieldTracker | undefined },
): T {
  const managers = fields?.(existing, object);
  return managers === undefined ? object : withManagers(object, managers);
}

export function withManagers<T extends ApiObject>(
  object: T,
  managedFields: readonly Record<string, unknown>[],
): T {
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

export function ownTracker(nowMs: number): FieldTracker {
  return (before, after) => {
    if (before?.metadata.managedFields === undefined) return undefined;
    const writer = {
      manager: ownManager,
      apiVersion: apiVersionOf(after.kind),
      subresource: "",
      time: secondsText(nowMs),
    };
    return updateTracker(writer, undefined)(before, after);
  };
}

/**
 * `given`: the managers that the request itself brings, which count where they can be read. As in Kubernetes, an object whose
 * fields nobody has told apart is left so; `isNamed`: a new one is not, since its writer says who it is.
 */
export function updateTracker(writer: FieldWriter, given: unknown, isNamed = false): FieldTracker {
  return (before, after) => {
    const entries = decodeManagers(given) ?? decodeManagers(before?.metadata.managedFields) ?? [];
    if (before === undefined ? !isNamed : entries.length === 0)
      return before?.metadata.managedFields === undefined ? undefined : [];
    const { schema } = kinds[after.kind];
    const managers = encodeManagers(managersAfterUpdate({ schema, before, after, entries, writer }));
    return before === undefined && managers.length === 0 ? undefined : managers;
  };
}

/** Those whom an apply meets. */
export function managersOf(kind: KindName, live: Stored | undefined): readonly ManagerEntry[] {
  const entries = decodeManagers(live?.metadata.managedFields) ?? [];
  return live === undefined || entries.length > 0
    ? entries
    : earlierManagers(kinds[kind].schema, live, apiVersionOf(kind));
}

export function applyTracker(writer: FieldWriter, config: unknown, force: boolean): FieldTracker {
  return (before, after) => {
    const { schema } = kinds[after.kind];
    const entries = managersOf(after.kind, before);
    const result = managersAfterApply({ schema, before, after, entries, writer, config, force });
    const issues: Issue[] = result.conflicts.flatMap((conflict) =>
      conflictPaths(conflict).map((path) => ({ path, message: conflictText(conflict) })),
    );
    if (issues.length > 0) throw conflictError(issues);
    return encodeManagers(result.entries);
  };
}

/** In Kubernetes' words: kubectl shows them, and tools look for them. */
function conflictError(issues: readonly Issue[]): WeftError {
  const lines = issues.map(({ message, path }) => `${message}: ${path}`);
  const count = issues.length === 1 ? "1 conflict" : `${issues.length} conflicts`;
  return new WeftError("conflict", `Apply failed with ${count}: ${lines.join("; ")}`, {
    issues,
    fields: { causeReason: "FieldManagerConflict" },
  });
}
