/** What every kind of route has in common: references to its parents, and what the controllers found at each. */
import type { Issue } from "../kernel/index.ts";
import { type Condition, conditionOf, conditionSchema } from "./conditions.ts";
import { controllerName } from "./formats.ts";
import { type ParentReference, parentReferenceSchema } from "./references.ts";
import { list, object, optional, text } from "./schema.ts";

/** Gateway API's bound. */
const maxParents = 32;

export const parentReferences = optional(
  list("What the route attaches to.", parentReferenceSchema, { max: maxParents }),
);

export const routeStatus = optional(
  object("What the controllers found.", {
    parents: list(
      "State at each parent.",
      object("One parent.", {
        parentRef: parentReferenceSchema,
        controllerName: text("Who says so.", controllerName),
        conditions: list("What is true of the route at this parent.", conditionSchema, { min: 1, max: 8 }),
      }),
      { max: maxParents },
    ),
  }),
);

interface RouteWithParents {
  readonly spec: { readonly parentRefs?: readonly ParentReference[] };
  readonly status?: { readonly parents: readonly { readonly conditions: readonly Condition[] }[] };
}

export const parentColumns = [
  {
    name: "Parents",
    description: "What it attaches to.",
    value: (route: RouteWithParents) =>
      (route.spec.parentRefs ?? []).map((parent) => `${parent.kind}/${parent.name}`).join(","),
  },
  {
    name: "Accepted",
    description: "Whether every parent takes it.",
    value: (route: RouteWithParents) =>
      summary(route.status?.parents.map((parent) => conditionOf(parent.conditions, "Accepted")?.status)),
  },
];

function summary(statuses: readonly (string | undefined)[] | undefined): string {
  if (statuses === undefined || statuses.length === 0) return "Unknown";
  return statuses.find((status) => status !== "True") ?? "True";
}

/** Several references to one parent must each name another section of it. */
export function checkParents(parents: readonly ParentReference[]): Issue[] {
  const sections = new Map<string, (string | undefined)[]>();
  const issues: Issue[] = [];
  for (const [index, parent] of parents.entries()) {
    const key = `${parent.group}/${parent.kind}/${parent.namespace ?? ""}/${parent.name}`;
    const known = sections.get(key) ?? [];
    const path = `spec.parentRefs[${index}].sectionName`;
    if (known.length > 0 && (parent.sectionName === undefined) !== (known[0] === undefined)) {
      issues.push({
        path,
        message: "must be given in every reference to a parent that is referred to twice",
      });
    } else if (known.includes(parent.sectionName)) {
      issues.push({ path, message: "must be unique where a parent is referred to twice" });
    }
    sections.set(key, [...known, parent.sectionName]);
  }
  return issues;
}
