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

/** Several references to one parent must all give the same of section and port, and no two of them the same values. */
export function checkParents(parents: readonly ParentReference[]): Issue[] {
  const byParent = new Map<string, ParentReference[]>();
  const issues: Issue[] = [];
  for (const [index, parent] of parents.entries()) {
    const key = `${parent.group}/${parent.kind}/${parent.namespace ?? ""}/${parent.name}`;
    const known = byParent.get(key) ?? [];
    const path = `spec.parentRefs[${index}]`;
    if (known.some((other) => other.sectionName === parent.sectionName && other.port === parent.port)) {
      issues.push({
        path: `${path}.sectionName`,
        message: "must be unique where a parent is referred to twice",
      });
    }
    for (const field of ["sectionName", "port"] as const) {
      if (known.every((other) => (other[field] === undefined) === (parent[field] === undefined))) continue;
      const message = "must be given in every reference to a parent that is referred to twice";
      issues.push({ path: `${path}.${field}`, message });
    }
    byParent.set(key, [...known, parent]);
  }
  return issues;
}
