/** What was committed, when, by whom and why; what differs between two revisions; and the way back to one. */
import { anyText, kindNameFormat } from "./formats.ts";
import { figure } from "./signals.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { deletionSchema, maxTransactionObjects, transactionResultSchema } from "./transaction.ts";

const safe = Number.MAX_SAFE_INTEGER;
/** Most revisions that one answer holds. */
const maxHistoryPage = 1000;
/** Objects whose difference one answer shows, and lines of one difference; beyond them it says how many there are. */
export const maxShownObjects = 500;
export const maxDifferenceLines = 500;

const signalsOfSpanSchema = object(
  "Golden signals of a service over a span of time; where nobody called, count is 0.",
  {
    fromMs: integer("Begin, in Unix milliseconds.", 0, safe),
    toMs: integer("End.", 0, safe),
    count: integer("Requests, or connections.", 0, safe),
    failures: integer("Of these, those that failed.", 0, safe),
    p50Ms: figure("Half were faster than this."),
    p99Ms: figure("99 in 100 were faster than this."),
  },
);
export type SignalsOfSpan = ValueOf<typeof signalsOfSpanSchema>;

const historyEntrySchema = object("One commit.", {
  revision: integer("Its number.", 0, safe),
  timeMs: integer("When it was made, in Unix milliseconds.", 0, safe),
  author: text("Who made it.", anyText),
  message: text("What it was for.", anyText),
  sourceCommit: optional(
    text("The commit of a repository that it comes from, where that is known.", anyText),
  ),
  changes: list("What it changed.", transactionResultSchema, { max: 4 * maxTransactionObjects }),
  signals: optional(
    object("How the service that was asked about did on both sides of it. Absent: not asked for.", {
      before: optional(signalsOfSpanSchema),
      after: optional(signalsOfSpanSchema),
    }),
  ),
});
export type HistoryEntry = ValueOf<typeof historyEntrySchema>;

export const historySchema = object("Commits, newest first.", {
  items: list("The commits.", historyEntrySchema, { max: maxHistoryPage }),
  continueBefore: optional(
    integer("There may be more of what was asked for: ask again with `before` set to this.", 0, safe),
  ),
});
export type HistoryPage = ValueOf<typeof historySchema>;

const differenceSchema = object("How one object, or one compiled resource, differs.", {
  kind: text("Its kind.", kindNameFormat),
  namespace: text("Its namespace; empty where it has none.", anyText),
  name: text("Its name.", anyText),
  outcome: oneOf("What became of it.", ["created", "configured", "deleted"]),
  lines: list(
    "Lines of a unified difference of its YAML, without the two of names. Values of Secrets are not in it.",
    text("A line.", anyText),
    { max: maxDifferenceLines + 1 },
  ),
  hidden: optional(text("Why its lines are not shown.", anyText)),
});
export type Difference = ValueOf<typeof differenceSchema>;

const differencesSchema = list("One for each that differs.", differenceSchema, { max: maxShownObjects });
const leftOut = integer("How many more differ, beyond those shown.", 0, safe);

export const revisionSchema = object("One commit whole.", {
  entry: historyEntrySchema,
  differences: differencesSchema,
  leftOut,
});
export type RevisionDocument = ValueOf<typeof revisionSchema>;

export const diffSchema = object("What differs between two revisions.", {
  from: integer("The one.", 0, safe),
  to: integer("The other.", 0, safe),
  differences: differencesSchema,
  leftOut,
});
export type DiffDocument = ValueOf<typeof diffSchema>;

export const rollbackRequestSchema = object(
  "Restores objects as they were at a revision, as one new commit.",
  {
    revision: integer("The revision.", 0, safe),
    only: list("Restore these alone; all where empty.", deletionSchema, {
      max: maxTransactionObjects,
      default: [],
    }),
    dryRun: flag("Say what would change, write nothing.", { default: false }),
    message: text("What it is for; kept in the history.", anyText, { default: "" }),
    author: optional(text("Who makes it; kept in the history.", { min: 1, max: 256 })),
    acceptLockout: flag("Take a change that shuts somebody out.", { default: false }),
  },
);
/** What a client sends. */
export interface RollbackRequest {
  readonly revision: number;
  readonly only?: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[];
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
  readonly acceptLockout?: boolean;
}

export const rollbackResponseSchema = object("What a rollback did, or would do.", {
  revision: integer("The revision that holds it; the current one where nothing changed.", 0, safe),
  results: list("One entry for each object.", transactionResultSchema, { max: 4 * maxTransactionObjects }),
  differences: differencesSchema,
  leftOut,
});
export type RollbackResponse = ValueOf<typeof rollbackResponseSchema>;
