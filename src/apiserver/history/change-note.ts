/** Why a change is made and where it comes from, in the history's words: from a client's claims, or from annotations of the one object that it writes. */
import { changeMessageAnnotation, sourceCommitAnnotation } from "../../api/index.ts";
import type { CommitMeta } from "../../store/index.ts";
import type { PlannedWrite } from "../authorization/role-writes.ts";

/** The history's bounds. */
const maxMessageLength = 4_096;
const maxSourceLength = 256;

interface Note {
  readonly message: string;
  readonly source?: string | undefined;
  /** The message is one that nobody wrote. */
  readonly isImplied?: boolean | undefined;
}

/** Of a request about one object: headers that tools may set. */
export function claimsOf(headers: Headers, implied: string): Note {
  const message = headers.get("weft-message");
  return {
    message: message ?? implied,
    isImplied: message === null,
    source: headers.get("weft-source-commit") ?? undefined,
  };
}

/** An annotation counts in the write that sets or changes it: it stays on the object, and says nothing of later writes. */
export function noteOf(writes: readonly PlannedWrite[], note: Note): Pick<CommitMeta, "message" | "source"> {
  const message = note.isImplied === true ? annotated(writes, changeMessageAnnotation) : undefined;
  const source = note.source ?? annotated(writes, sourceCommitAnnotation);
  return {
    message: (message ?? note.message).slice(0, maxMessageLength),
    ...(source === undefined ? {} : { source: source.slice(0, maxSourceLength) }),
  };
}

function annotated(writes: readonly PlannedWrite[], name: string): string | undefined {
  for (const { object, existing } of writes) {
    const text = object?.metadata.annotations?.[name];
    if (text !== undefined && text !== "" && text !== existing?.metadata.annotations?.[name]) return text;
  }
  return undefined;
}
