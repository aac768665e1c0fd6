/**
 * One entry of the audit log and the chain that it is a link of: each line ends in a hash over the hash before it and the
 * line's own bytes, so that a line that is changed, taken out or put in is found by whoever has the file.
 */
import { createHash } from "node:crypto";
import { anyText, kindNameFormat, timestamp } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Of one commit: a transaction's bound, and what a Namespace takes along. */
const maxObjects = 100_000;
const maxEntries = 10_000;
const safe = Number.MAX_SAFE_INTEGER;

/** What stands before the first entry. */
export const firstHash = "0".repeat(64);

const auditEntrySchema = object("What somebody did, or tried.", {
  seq: integer("Its number in the chain.", 1, safe),
  time: text("When.", timestamp),
  id: text("The request's id; an answer carries it as x-request-id.", anyText),
  phase: oneOf("intent: about to be written. done: what became of the intent. event: all in one.", [
    "intent",
    "done",
    "event",
  ]),
  outcome: optional(oneOf("What became of it; not on an intent.", ["ok", "denied", "failed", "not_done"])),
  verb: text("What was asked for.", anyText),
  user: text("Who; empty where nobody was proven.", anyText),
  groups: optional(list("The groups that counted.", text("A group.", anyText), { max: maxEntries })),
  method: text("How they proved it.", anyText),
  impersonator: optional(text("Who really asked, standing in for the user.", anyText)),
  source: text("Where it came from: an address, or unix.", anyText),
  objects: list(
    "What it was about.",
    object("An object.", {
      kind: text("Its kind.", kindNameFormat),
      namespace: optional(text("Its namespace.", anyText)),
      name: text("Its name.", anyText),
      verb: optional(text("What was done with it, in a transaction.", anyText)),
    }),
    { max: maxObjects },
  ),
  revision: optional(integer("The revision that it made.", 0, safe)),
  dryRun: optional(flag("Nothing was to be written.")),
  message: optional(text("Why it was refused, or what else there is to say.", { min: 0, max: 32_768 })),
  suppressed: optional(integer("As many refusals before this one got no entry of their own.", 1, safe)),
  prev: text("The hash of the entry before.", { min: 64, max: 64 }),
  hash: text("SHA-256 over the line up to here.", { min: 64, max: 64 }),
});
export type AuditEntry = ValueOf<typeof auditEntrySchema>;
/** An entry before it has its place in the chain. */
export type AuditFields = Omit<AuditEntry, "seq" | "time" | "prev" | "hash">;

export const auditListSchema = object("Entries of the audit log, newest last.", {
  items: list("The entries.", auditEntrySchema, { max: maxEntries }),
});

export const auditVerdictSchema = object("Whether the audit log is whole.", {
  entries: integer("How many there are.", 0, safe),
  files: integer("In how many files.", 0, safe),
  firstSeq: integer(
    "The oldest entry's number; above 1 where older files were taken away. 0: none.",
    0,
    safe,
  ),
  head: object("The newest entry.", {
    seq: integer("Its number.", 0, safe),
    hash: text("Its hash.", { min: 64, max: 64 }),
  }),
  problem: optional(
    object("The first entry that is not as it was written.", {
      place: text("File and line.", anyText),
      message: text("What is wrong.", anyText),
    }),
  ),
});
export type AuditVerdict = ValueOf<typeof auditVerdictSchema>;

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** The line without its end. `fields` in their order are the bytes that count. */
export function sealEntry(fields: AuditFields, at: { readonly head: AuditHead; readonly time: string }) {
  const seq = at.head.seq + 1;
  const body = JSON.stringify({ seq, time: at.time, ...fields, prev: at.head.hash });
  const hash = hashOf(at.head.hash, body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, head: { seq, hash } };
}

const sealed =
  /^(?<body>\{"seq":(?<seq>\d{1,16}),.*"prev":"(?<prev>[0-9a-f]{64})"),"hash":"(?<hash>[0-9a-f]{64})"\}$/s;

/** Reads a log line by line and tells the first one that does not follow from the one before it. */
export class AuditChain {
  #head: AuditHead | undefined;
  #firstSeq = 0;
  #count = 0;

  get head(): AuditHead {
    return this.#head ?? { seq: 0, hash: firstHash };
  }

  get firstSeq(): number {
    return this.#firstSeq;
  }

  get count(): number {
    return this.#count;
  }

  /** What is wrong with it; undefined: nothing. The first line's `prev` is believed, unless it says that it is the first. */
  push(line: string): string | undefined {
    const groups = sealed.exec(line)?.groups;
    const { body = "", prev = "", hash = "" } = groups ?? {};
    if (groups === undefined) return "is no entry of an audit log";
    const seq = Number(groups["seq"]);
    const before = this.#head ?? (seq === 1 ? this.head : { seq: seq - 1, hash: prev });
    if (seq !== before.seq + 1) {
      return seq > before.seq
        ? `entries ${before.seq + 1} to ${seq - 1} are missing`
        : `entry ${seq} is out of order`;
    }
    if (prev !== before.hash) return `entry ${seq} does not follow from the one before it`;
    if (hash !== hashOf(prev, `${body}}`)) return `entry ${seq} was changed`;
    if (this.#count === 0) this.#firstSeq = seq;
    this.#count++;
    this.#head = { seq, hash };
    return undefined;
  }
}

function hashOf(prev: string, body: string): string {
  return createHash("sha256").update(Buffer.from(prev, "hex")).update(body).digest("hex");
}
