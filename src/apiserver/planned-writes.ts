/** What a change comes to before it is made: pure steps of the writer, and what cannot be. */
import {
  type ApiObject,
  changeIssues,
  type Deletion,
  keyOfDeletion,
  keyOf,
  keyText,
  kindNames,
  type ObjectKey,
  parseObject,
  type Stored,
  type TransactionResult,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Write } from "../store/index.ts";
import { type Candidate, refuse } from "./admission.ts";
import type { PlannedWrite } from "./authorization/role-writes.ts";
import { sameContent } from "./same-content.ts";

/** Each failure is a commit of somebody else, of whom a flood at another control plane has many before it is this one's turn. */
const maxPlans = 100;
/** The mesh does not work without these. */
const permanentNamespaces: ReadonlySet<string> = new Set(["default", "weft-system"]);

/** A transaction that is admitted and not made. */
export interface PlannedChange {
  /** Of the state that it was admitted against. */
  readonly revision: number;
  /** With defaults and addresses; those that would be as they are already are left out. */
  readonly upserted: readonly ApiObject[];
  readonly removed: readonly ObjectKey[];
  readonly results: readonly TransactionResult[];
}

export function plannedChange(
  revision: number,
  writes: readonly Write[],
  results: readonly TransactionResult[],
): PlannedChange {
  return {
    revision,
    upserted: writes.flatMap((write) => (write.type === "put" ? [write.object] : [])),
    removed: writes.flatMap((write) => (write.type === "delete" ? [write.key] : [])),
    results,
  };
}

/** Planned again where another control plane has committed meanwhile: addresses, names and roles are judged on what is there. */
export async function replanned<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isOvertaken =
        error instanceof WeftError && error.code === "conflict" && "revision" in error.fields;
      if (!isOvertaken || attempt === maxPlans) throw error;
    }
  }
}

export function plannedPut(object: ApiObject, existing: Stored | undefined): PlannedWrite {
  return { key: keyOf(object), existing, object, isImplied: false };
}

export function parseAll(inputs: readonly unknown[]): Candidate[] {
  const parsed = inputs.map((input) => parseObject(input, "write"));
  refuse(
    parsed.flatMap((result, index) =>
      "issues" in result
        ? result.issues.map((issue) => ({
            ...issue,
            path: `objects[${index}]${issue.path === "" ? "" : `.${issue.path}`}`,
          }))
        : [],
    ),
  );
  return parsed.flatMap((result, index) =>
    "object" in result ? [{ object: result.object, pathPrefix: `objects[${index}].` }] : [],
  );
}

export function namedKeys(deletions: readonly Deletion[]): ObjectKey[] {
  return deletions.map((deletion, index) => {
    const key = keyOfDeletion(deletion);
    if (key !== undefined) return key;
    const { kind } = deletion;
    const path = `deletions[${index}].kind`;
    const message = `unknown kind ${kind}; known are ${kindNames.join(", ")}`;
    throw new WeftError("bad_input", `unknown kind ${kind}`, { issues: [{ path, message }] });
  });
}

export function isPermanent(key: ObjectKey): boolean {
  return key.kind === "MeshConfig" || (key.kind === "Namespace" && permanentNamespaces.has(key.name));
}

/** The store refuses these at the commit; here they get their place, and a dry run sees them. */
export function refuseImpossibleChanges(
  puts: readonly { object: ApiObject; existing: Stored | undefined }[],
): void {
  refuse(
    puts.flatMap(({ object, existing }, index) =>
      existing === undefined
        ? []
        : changeIssues(existing, object).map((issue) => ({
            ...issue,
            path: `objects[${index}].${issue.path}`,
          })),
    ),
  );
}

export function refuseImpossibleChange(existing: Stored, object: ApiObject): void {
  refuse(changeIssues(existing, object));
}

export function refuseContradictions(objects: readonly ApiObject[], deletions: readonly ObjectKey[]): void {
  const deleted = new Set(deletions.map(keyText));
  refuse(
    objects.flatMap((object, index) =>
      deleted.has(keyText(keyOf(object)))
        ? [
            {
              path: `objects[${index}]`,
              message: `${keyText(keyOf(object))} is written and deleted in one change`,
            },
          ]
        : [],
    ),
  );
}

export function putOf(object: ApiObject): Write & { type: "put" } {
  return { type: "put", object, expectedResourceVersion: object.metadata.resourceVersion };
}

export function outcomeOf(object: ApiObject, existing: Stored | undefined): TransactionResult["outcome"] {
  if (existing === undefined) return "created";
  return sameContent(existing, object) ? "unchanged" : "configured";
}

export function resultOf(key: ObjectKey, outcome: TransactionResult["outcome"]): TransactionResult {
  return { kind: key.kind, namespace: key.namespace, name: key.name, outcome };
}
