/** Kubernetes' `Status`: how every error is answered, with a reason for programs and one cause for each issue. */
import Type from "typebox";
import { object, optional, text, integer, list, oneOf, type ValueOf } from "./schema.ts";

/** Long enough for one issue; a client of the API bounds what it shows. */
const line = { min: 0, max: 65_536 };
const maxCauses = 10_000;

export const kubeStatusSchema = object("The answer to a request that returns no object.", {
  kind: Type.Literal("Status"),
  apiVersion: Type.Literal("v1"),
  metadata: optional(Type.Record(Type.String(), Type.Unknown())),
  status: oneOf("Whether it went well.", ["Success", "Failure"]),
  message: optional(text("For people.", line)),
  reason: optional(text("For programs: NotFound, Conflict, Invalid and so on.", line)),
  code: optional(integer("HTTP status.", 100, 599)),
  details: optional(
    object("What it is about.", {
      name: optional(text("Name of the object.", line)),
      group: optional(text("Its group.", line)),
      kind: optional(text("Its kind.", line)),
      uid: optional(text("Its uid.", line)),
      retryAfterSeconds: optional(integer("When to try again.", 0, 3600)),
      causes: optional(
        list(
          "One for each issue.",
          object("One issue.", {
            reason: optional(text("For programs.", line)),
            message: optional(text("For people.", line)),
            field: optional(text("Field path.", line)),
          }),
          { max: maxCauses },
        ),
      ),
    }),
  ),
});
export type KubeStatus = ValueOf<typeof kubeStatusSchema>;
