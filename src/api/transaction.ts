/** One apply: objects written and deleted together or not at all. */
import Type from "typebox";
import { type BlastRadius, blastRadiusSchema } from "./blast-radius.ts";
import { requestDecoder } from "./decode.ts";
import { anyText, dnsLabel, kindNameFormat, objectName, sourceCommitFormat } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** One commit is compiled and sent out as one change. */
export const maxTransactionObjects = 5000;
const safe = Number.MAX_SAFE_INTEGER;

export const deletionSchema = object("An object to delete.", {
  kind: text("Its kind.", kindNameFormat),
  namespace: optional(text("Its namespace.", dnsLabel)),
  name: text("Its name.", objectName),
});
export type Deletion = ValueOf<typeof deletionSchema>;

export const transactionRequestSchema = object("Objects to write and to delete, all or nothing.", {
  message: text("What the change is for; kept in the history.", anyText, { default: "" }),
  author: optional(text("Who makes it; kept in the history.", { min: 1, max: 256 })),
  sourceCommit: optional(text("The commit of a repository that it comes from.", sourceCommitFormat)),
  dryRun: flag("Check and say what would change, write nothing.", { default: false }),
  acceptLockout: flag("Take a change of roles that shuts the last administrator, or its author, out.", {
    default: false,
  }),
  maxBlastRadius: optional(blastRadiusSchema),
  objects: list("Objects in full.", Type.Unknown({ description: "An object." }), {
    max: maxTransactionObjects,
    default: [],
  }),
  deletions: list("Objects to delete.", deletionSchema, { max: maxTransactionObjects, default: [] }),
});
export const decodeTransaction = requestDecoder(transactionRequestSchema);

/** What a client sends. */
export interface TransactionRequest {
  readonly message?: string;
  readonly author?: string;
  /** The commit of a repository that the objects come from. */
  readonly sourceCommit?: string;
  readonly dryRun?: boolean;
  /** Take a change of roles that shuts the last administrator, or its author, out. */
  readonly acceptLockout?: boolean;
  readonly maxBlastRadius?: BlastRadius;
  readonly objects?: readonly unknown[];
  readonly deletions?: readonly Deletion[];
}

export const transactionResultSchema = object("What became of one object.", {
  kind: text("Its kind.", kindNameFormat),
  namespace: text("Its namespace; empty where it has none.", anyText),
  name: text("Its name.", objectName),
  outcome: oneOf("What became of it.", ["created", "configured", "unchanged", "deleted"]),
});
export type TransactionResult = ValueOf<typeof transactionResultSchema>;

export const transactionResponseSchema = object("What became of a transaction.", {
  revision: integer("The revision that holds it; the current one where nothing changed.", 0, safe),
  results: list("One entry for each object.", transactionResultSchema, { max: 4 * maxTransactionObjects }),
});
export type TransactionResponse = ValueOf<typeof transactionResponseSchema>;
