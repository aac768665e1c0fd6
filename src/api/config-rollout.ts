/** ConfigRollout: a configuration that is tried out on some proxies before all get it. Written by the control plane alone. */
import Type from "typebox";
import { anyText, dnsSubdomain, kindNameFormat, message, objectName, timestamp } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { clusterMetadata } from "./metadata.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { transactionResultSchema } from "./transaction.ts";

/** In JSON; what is tried out is kept in one object of the store. */
export const maxRolloutBytes = 1024 * 1024;
export const maxRolloutObjects = 500;
const maxSteps = 10;
const safe = Number.MAX_SAFE_INTEGER;

export const rolloutPhases = ["Watching", "Promoted", "WentBack", "Aborted", "Stopped"] as const;

/** Percent of the proxies that it concerns, step by step. */
export const rolloutStepsSchema = list(
  "Percent of the proxies that it concerns, growing.",
  integer("A share.", 1, 99),
  {
    min: 1,
    max: maxSteps,
  },
);

const figuresSchema = object("Requests of a group of proxies, as they told it themselves.", {
  requests: integer("How many.", 0, safe),
  failures: integer("Of these, those that failed.", 0, safe),
  p99Ms: Type.Number({ description: "99 in 100 were faster; 0 where there were none.", minimum: 0 }),
});
export type RolloutFigures = ValueOf<typeof figuresSchema>;

export const configRolloutKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "ConfigRollout",
  plural: "configrollouts",
  singular: "configrollout",
  namespaced: false,
  hasStatus: false,
  description:
    "A configuration that is tried out on some proxies. Made by `weft apply --canary`; the newest 20 are kept. Nobody else writes it.",
  schema: object("A configuration that is tried out on some proxies.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("ConfigRollout"),
    metadata: clusterMetadata(text("Name, with a number.", dnsSubdomain)),
    spec: object("What is tried out, and how.", {
      objects: list(
        "As they were applied; none once it has ended.",
        Type.Unknown({ description: "An object." }),
        {
          max: maxRolloutObjects,
        },
      ),
      changes: list("What it would change.", transactionResultSchema, { max: maxRolloutObjects }),
      base: list(
        "Objects as they were when it began: it is promoted only while they are the same.",
        object("One object.", {
          kind: text("Its kind.", kindNameFormat),
          namespace: text("Its namespace; empty where it has none.", anyText),
          name: text("Its name.", objectName),
          state: text("A hash of what its author wrote; empty: it did not exist.", anyText),
        }),
        { max: maxRolloutObjects },
      ),
      baseRevision: integer("The revision that it was laid over.", 0, safe),
      steps: rolloutStepsSchema,
      watchSeconds: integer("How long each step is watched.", 1, 86_400),
      author: text("Who applied it.", anyText),
      message: text("What it is for.", message),
      sourceCommit: optional(text("The commit of a repository that it comes from.", anyText)),
    }),
    status: object("Where it stands.", {
      phase: oneOf("Watching, or how it ended.", [...rolloutPhases]),
      step: integer("Which of the steps, counted from 0.", 0, maxSteps - 1),
      threshold: Type.Number({
        description: "Proxies whose draw is below this have it, from 0 to 1.",
        minimum: 0,
        maximum: 1,
      }),
      startedAt: text("When it began.", timestamp),
      stepStartedAt: text("When the step began, or was begun again.", timestamp),
      endedAt: optional(text("When it ended.", timestamp)),
      reason: text("Why it stands where it does, in words.", message),
      revision: optional(integer("The commit that it became.", 0, safe)),
      proxies: integer("How many have it, when that was last looked at.", 0, safe),
      canary: optional(figuresSchema),
      others: optional(figuresSchema),
      before: optional(figuresSchema),
    }),
  }),
  columns: [
    { name: "Phase", description: "Watching, or how it ended.", value: ({ status }) => status.phase },
    {
      name: "Share",
      description: "Of proxies, in percent.",
      value: ({ spec, status }) => `${spec.steps[status.step] ?? 0}%`,
    },
    { name: "Proxies", description: "How many have it.", value: ({ status }) => String(status.proxies) },
    { name: "Reason", description: "Why.", value: ({ status }) => status.reason },
  ],
});
