/** Status of policies (GEP-713): what the controllers found, for each target. */
import { type Condition, conditionOf, conditionSchema } from "./conditions.ts";
import { controllerName } from "./formats.ts";
import { parentReferenceSchema } from "./references.ts";
import { list, object, optional, text } from "./schema.ts";

/** Gateway API's bounds. */
const maxAncestors = 16;
const maxConditions = 8;

export const policyStatus = optional(
  object("What the controllers found.", {
    ancestors: list(
      "State at each target.",
      object("One target.", {
        ancestorRef: parentReferenceSchema,
        controllerName: text("Who says so.", controllerName),
        conditions: list("What is true of the policy at this target.", conditionSchema, {
          min: 1,
          max: maxConditions,
        }),
      }),
      { max: maxAncestors },
    ),
  }),
);

interface TargetedPolicy {
  readonly spec: {
    readonly targetRefs?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly sectionName?: string;
    }[];
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly ancestors: readonly { readonly conditions: readonly Condition[] }[] };
}

export const policyColumns = [
  {
    name: "Targets",
    description: "What it is for.",
    value: ({ spec: { targetRefs = [], selector } }: TargetedPolicy) =>
      [
        ...targetRefs.map(({ kind, name, sectionName }) =>
          [kind, name, sectionName].filter((part) => part !== undefined).join("/"),
        ),
        ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
      ].join(","),
  },
  {
    name: "Accepted",
    description: "Whether it holds at every target.",
    value: (policy: TargetedPolicy) => {
      const statuses = (policy.status?.ancestors ?? []).map(
        (ancestor) => conditionOf(ancestor.conditions, "Accepted")?.status ?? "Unknown",
      );
      return statuses.length === 0 ? "Unknown" : (statuses.find((status) => status !== "True") ?? "True");
    },
  },
];
