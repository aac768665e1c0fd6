/** The request for a join token: what a workload's proxy shows for its first certificate. Kubernetes' TokenRequest in shape. */
import Type from "typebox";
import { anyText, timestamp } from "./formats.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export const joinAudience = "weft-join";
/** Long enough to start a program, short enough that a leaked token is soon worth nothing. */
const defaultSeconds = 600;
const maxSeconds = 3600;

export const tokenRequestSchema = object("Asks for a join token.", {
  apiVersion: Type.Literal("authentication.k8s.io/v1", { default: "authentication.k8s.io/v1" }),
  kind: Type.Literal("TokenRequest", { default: "TokenRequest" }),
  metadata: optional(Type.Record(Type.String(), Type.Unknown())),
  spec: object(
    "What the token is for.",
    {
      audiences: list("Always weft-join.", oneOf("An audience.", [joinAudience]), {
        min: 1,
        max: 1,
        default: [joinAudience],
      }),
      expirationSeconds: integer("How long it may be used, once.", 1, maxSeconds, {
        default: defaultSeconds,
      }),
    },
    { default: {} },
  ),
  status: optional(
    object("The token.", {
      token: text("Shown once.", anyText),
      expirationTimestamp: text("When it expires.", timestamp),
    }),
  ),
});
export type TokenRequest = ValueOf<typeof tokenRequestSchema>;
