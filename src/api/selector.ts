/** Label selectors: the two forms that objects hold, and the text form of requests (`app=reviews,version in (v1,v2)`). */
import type { Issue } from "../kernel/index.ts";
import { labelKey, labelValue } from "./formats.ts";
import { labelsSchema } from "./metadata.ts";
import { atomic, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Bounds the work of matching one object; far above use. */
const maxRequirements = 64;
const maxValues = 256;
const maxSelectorLength = 8192;

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

export const labelSelectorSchema = object(
  "Chooses objects by their labels; empty chooses all.",
  {
    matchLabels: optional(labelsSchema),
    matchExpressions: optional(
      list(
        "All of them must hold.",
        object("A condition on one label.", {
          key: text("The label's key.", labelKey),
          operator: oneOf("How values are compared.", operators),
          values: optional(list("For In and NotIn.", text("A label value.", labelValue), { max: maxValues })),
        }),
        { max: maxRequirements },
      ),
    ),
  },
  atomic,
);
export type LabelSelector = ValueOf<typeof labelSelectorSchema>;

export interface LabelRequirement {
  readonly key: string;
  readonly operator: (typeof operators)[number];
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

export function labelRequirements(selector: LabelSelector): LabelRequirement[] {
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: "In",
    values: [value],
  }));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator, values: values ?? [] });
  }
  return requirements;
}

export function matchRequirements(
  requirements: readonly LabelRequirement[],
  labels: Labels | undefined,
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}

/** A Service's `selector`: every pair must be there. An empty one selects nothing, as in Kubernetes. */
export function matchLabels(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const pairs = Object.entries(selector ?? {});
  return (
    pairs.length > 0 &&
    pairs.every(([key, value]) => labels !== undefined && Object.hasOwn(labels, key) && labels[key] === value)
  );
}

/** The query form. Empty text selects all. */
export function parseLabelSelector(
  input: string,
): { requirements: LabelRequirement[] } | { issues: Issue[] } {
  if (input.length > maxSelectorLength) return problem(`longer than ${maxSelectorLength} characters`);
  const requirements: LabelRequirement[] = [];
  let rest = input.trim();
  while (rest !== "") {
    if (requirements.length === maxRequirements) return problem(`more than ${maxRequirements} requirements`);
    const term = termPattern.exec(rest);
    const requirement = term === null ? undefined : requirementOf(term.groups ?? {});
    if (term === null || requirement === undefined) {
      return problem(
        `cannot read "${rest.slice(0, 60)}"; write for example app=reviews,version in (v1,v2),!canary`,
      );
    }
    requirements.push(requirement);
    rest = rest.slice(term[0].length);
  }
  return { requirements };
}

const token = "[A-Za-z0-9](?:[-A-Za-z0-9_./]{0,315}[A-Za-z0-9])?";
const value = "(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?";
const termPattern = new RegExp(
  `^\\s*(?:(?<not>!)\\s*(?<absent>${token})|(?<key>${token})(?:\\s*(?<equal>==?|!=)\\s*(?<value>${value})|\\s+(?<set>in|notin)\\s*\\((?<values>[^()]{0,4096})\\))?)\\s*(?:,(?=\\s*\\S)|$)`,
);
const valuePattern = new RegExp(`^${value}$`);

function requirementOf(groups: Record<string, string | undefined>): LabelRequirement | undefined {
  const absent = groups["absent"];
  if (absent !== undefined) return { key: absent, operator: "DoesNotExist", values: [] };
  const key = groups["key"] ?? "";
  const set = groups["set"];
  if (set !== undefined) {
    const values = (groups["values"] ?? "").split(",").map((part) => part.trim());
    if (values.length > maxValues || !values.every((part) => valuePattern.test(part))) return undefined;
    return { key, operator: set === "in" ? "In" : "NotIn", values };
  }
  const equal = groups["equal"];
  if (equal === undefined) return { key, operator: "Exists", values: [] };
  return { key, operator: equal === "!=" ? "NotIn" : "In", values: [groups["value"] ?? ""] };
}

function problem(message: string): { issues: Issue[] } {
  return { issues: [{ path: "labelSelector", message }] };
}
