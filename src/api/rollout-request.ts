/** What a client asks of rollouts: to begin one, to end one before its time. */
import Type from "typebox";
import { configRolloutKind, maxRolloutObjects, rolloutStepsSchema } from "./config-rollout.ts";
import { anyText, sourceCommitFormat } from "./formats.ts";
import { integer, list, object, optional, text } from "./schema.ts";
import { transactionResultSchema } from "./transaction.ts";

export const rolloutRequestSchema = object(
  "Objects that are tried out on some proxies before they are committed.",
  {
    objects: list("Objects in full.", Type.Unknown({ description: "An object." }), {
      min: 1,
      max: maxRolloutObjects,
    }),
    steps: rolloutStepsSchema,
    watchSeconds: integer("How long each step is watched.", 1, 86_400, { default: 60 }),
    message: text("What it is for; kept in the history.", anyText, { default: "" }),
    author: optional(text("Who applies it; kept in the history.", { min: 1, max: 256 })),
    sourceCommit: optional(text("The commit of a repository that it comes from.", sourceCommitFormat)),
  },
);
/** What a client sends. */
export interface RolloutRequest {
  readonly objects: readonly unknown[];
  readonly steps: readonly number[];
  readonly watchSeconds?: number;
  readonly message?: string;
  readonly author?: string;
  readonly sourceCommit?: string;
}

export const rolloutStartedSchema = object(
  "A rollout that has begun, or nothing where nothing would change.",
  {
    name: optional(text("Its name; absent: nothing would change.", anyText)),
    results: list("One entry for each object.", transactionResultSchema, { max: maxRolloutObjects }),
  },
);

export const rolloutEndedSchema = object("A rollout that was ended.", {
  name: text("Its name.", anyText),
  revision: optional(integer("The revision that it became.", 0, Number.MAX_SAFE_INTEGER)),
});

export const rolloutListSchema = object("Rollouts, newest first, without their objects.", {
  items: list("The one under way, and those that have ended.", configRolloutKind.schema, { max: 100 }),
});
