/** Conditions in the form of Kubernetes: what is true of an object, since when, and why. */
import { conditionReason, conditionType, message, timestamp } from "./formats.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export const conditionSchema = object("One aspect of the object's state.", {
  type: text("Accepted, ResolvedRefs, Programmed and so on.", conditionType),
  status: oneOf("Whether it holds.", ["True", "False", "Unknown"]),
  reason: text("Why, for programs.", conditionReason),
  message: text("Why, for people.", message),
  lastTransitionTime: text("When status last changed.", timestamp),
  observedGeneration: optional(
    integer("The generation of the object that this was found for.", 0, Number.MAX_SAFE_INTEGER),
  ),
});

export type Condition = ValueOf<typeof conditionSchema>;

export const conditionsSchema = list("What is true of the object, since when, and why.", conditionSchema, {
  max: 8,
  keys: ["type"],
  mergeKey: "type",
});

/** Gateway API: what stands there until a controller has looked at the object. */
export function pendingConditions(...types: string[]): Condition[] {
  return types.map((type) => ({
    type,
    status: "Unknown",
    reason: "Pending",
    message: "Waiting for controller",
    lastTransitionTime: "1970-01-01T00:00:00Z",
  }));
}

export function conditionOf(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
