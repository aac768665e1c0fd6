/** Finds the conditions in a status, wherever its kind keeps them: on the object, per parent, target or listener. */

export interface FoundCondition {
  /** What it is about: a parent's or a listener's name; empty: the object. */
  readonly of: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Gateway API's conditions that tell of a problem when they hold; all others do when they do not. */
const problemTypes: ReadonlySet<string> = new Set([
  "Conflicted",
  "InsecureFrontendValidationMode",
  "OverlappingTLSConfig",
  "PartiallyInvalid",
]);

export function isProblem({ type, status }: FoundCondition): boolean {
  return status === (problemTypes.has(type) ? "True" : "False");
}

/** Statuses are a few levels deep; what is deeper is not a condition. */
const maxDepth = 6;

export function findConditions(content: unknown): FoundCondition[] {
  return isRecord(content) ? search(content["status"], "", maxDepth) : [];
}

function search(value: unknown, of: string, depth: number): FoundCondition[] {
  if (depth === 0) return [];
  if (Array.isArray(value)) return value.flatMap((item) => search(item, of, depth - 1));
  if (!isRecord(value)) return [];
  const owner = ownerOf(value) ?? of;
  return Object.entries(value).flatMap(([key, child]) => {
    if (key === "conditions" && Array.isArray(child))
      return child.filter(isRecord).map((item) => toCondition(item, owner));
    return search(child, owner, depth - 1);
  });
}

function ownerOf(value: Record<string, unknown>): string | undefined {
  const reference = value["parentRef"] ?? value["ancestorRef"];
  const parent = isRecord(reference) ? reference : value;
  const name = parent["name"];
  if (typeof name !== "string") return undefined;
  return [textOf(parent["kind"]), name, textOf(parent["sectionName"])]
    .filter((part) => part !== "")
    .join("/");
}

function toCondition(item: Record<string, unknown>, of: string): FoundCondition {
  return {
    of,
    type: textOf(item["type"]),
    status: textOf(item["status"]),
    reason: textOf(item["reason"]),
    message: textOf(item["message"]),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
