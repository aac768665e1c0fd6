/** What is wrong in a mesh by the statuses that its compiler gives. */
import { isKindName, keyOf, keyText, type ObjectKey, type Stored } from "../api/index.ts";
import type { StatusUpdate } from "../compile/index.ts";
import type { CompiledMesh } from "./compiled-mesh.ts";
import type { MeshProblem } from "./input.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Conditions that say something bad when they are true. */
const badWhenTrue: ReadonlySet<string> = new Set([
  "Conflicted",
  "PartiallyInvalid",
  "OverlappingTLSConfig",
  "InsecureFrontendValidationMode",
]);

export function problemsOf(mesh: CompiledMesh, objects: Iterable<Stored>): MeshProblem[] {
  const problems = mesh.statuses().flatMap((update): MeshProblem[] => {
    const { kind, namespace, name } = update;
    if (!isKindName(kind)) return [];
    const object: ObjectKey = { kind, namespace, name };
    const isQuarantined = mesh.isQuarantined(object);
    return conditionsOf(update)
      .filter(isBad)
      .map(({ type, reason, message }) => ({ object, type, reason, message, isQuarantined }));
  });
  const told = new Set(problems.map(({ object }) => keyText(object)));
  for (const stored of objects) {
    const object = keyOf(stored);
    if (told.has(keyText(object)) || !mesh.isQuarantined(object)) continue;
    const message = "its newest version cannot be compiled";
    problems.push({ object, type: "Accepted", reason: "Invalid", message, isQuarantined: true });
  }
  return problems.toSorted((a, b) => (keyText(a.object) < keyText(b.object) ? -1 : 1));
}

function isBad({ type, status }: Condition): boolean {
  return badWhenTrue.has(type) ? status === "True" : status === "False";
}

function conditionsOf({ status }: StatusUpdate): readonly Condition[] {
  switch (status.kind) {
    case "conditions":
    case "class":
      return status.conditions;
    case "route":
      return status.parents.flatMap(({ conditions }) => conditions);
    case "policy":
      return status.ancestors.flatMap(({ conditions }) => conditions);
    case "gateway":
      return [...status.conditions, ...status.listeners.flatMap(({ conditions }) => conditions)];
  }
}
