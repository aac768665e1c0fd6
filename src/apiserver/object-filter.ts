/** Which objects of a kind a list, a watch or a deletion is about: namespace, labels and the fields that the kind can be asked for. */
import {
  type ApiObject,
  type KindName,
  kinds,
  type LabelRequirement,
  matchRequirements,
  parseLabelSelector,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { isPlain } from "./patch/merge-patch.ts";

/** Kubernetes has no bound; more than a few fields cannot be chosen by anyway. */
const maxFieldTerms = 32;

interface FieldRequirement {
  readonly path: readonly string[];
  readonly value: string;
  readonly isNegated: boolean;
}

export interface ObjectFilter {
  readonly kind: KindName;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
}

/** Throws `usage`. */
export function filterOf(
  kind: KindName,
  namespace: string | undefined,
  query: URLSearchParams,
): ObjectFilter {
  const selector = parseLabelSelector(query.get("labelSelector") ?? "");
  if ("issues" in selector)
    throw new WeftError("usage", `labelSelector: ${selector.issues[0]?.message ?? "cannot be read"}`);
  return {
    kind,
    namespace: kinds[kind].namespaced ? namespace : undefined,
    labels: selector.requirements,
    fields: parseFields(kind, query.get("fieldSelector") ?? ""),
  };
}

export function isChosen({ namespace, labels, fields }: ObjectFilter, object: ApiObject): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  return (
    fields.every(({ path, value, isNegated }) => (textAt(object, path) === value) !== isNegated) &&
    matchRequirements(labels, object.metadata.labels)
  );
}

/** Whether an object may come and go by a change of its content. */
export function isSelective({ labels, fields }: ObjectFilter): boolean {
  return labels.length > 0 || fields.some(({ path }) => path[0] !== "metadata");
}

function parseFields(kind: KindName, text: string): FieldRequirement[] {
  const terms = text.split(",").filter((part) => part.trim() !== "");
  if (terms.length > maxFieldTerms)
    throw new WeftError("usage", `fieldSelector: more than ${maxFieldTerms} terms`);
  const known = ["metadata.name", "metadata.namespace", ...kinds[kind].selectableFields];
  return terms.map((term) => {
    const match = /^\s*([A-Za-z.]+)\s*(==|=|!=)(.*)$/s.exec(term);
    const [, field = "", operator, value = ""] = match ?? [];
    if (!known.includes(field)) {
      throw new WeftError("usage", `fieldSelector "${term.slice(0, 100)}" is not supported for ${kind}`, {
        hint: `use ${known.join(", ")} with = or !=`,
      });
    }
    return { path: field.split("."), value: value.trim(), isNegated: operator === "!=" };
  });
}

/** What is not there is the empty text, as in Kubernetes. */
function textAt(object: unknown, path: readonly string[]): string {
  let value: unknown = object;
  for (const name of path) value = isPlain(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof value === "string" ? value : "";
}
