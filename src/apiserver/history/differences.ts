/** Changes as a person reads them: a unified difference of YAML for each object, bounded, with nothing in it that the reader may not see. */
import { createHash, randomBytes } from "node:crypto";
import {
  type ApiObject,
  type Difference,
  kinds,
  maxDifferenceLines,
  maxShownObjects,
  type ObjectKey,
  objectText,
} from "../../api/index.ts";
import { textDifference } from "../../kernel/index.ts";
import type { Change } from "../../store/index.ts";
import type { Caller } from "../authentication/caller.ts";
import type { Authorizer } from "../authorization/authorizer.ts";

/** A certificate or a key set in one line is not read by anybody. */
const maxLineLength = 400;
/** Marks of equal values of Secrets are comparable within one process, and tell nothing outside of it. */
const salt = randomBytes(16).toString("hex");

export interface Differences {
  readonly differences: readonly Difference[];
  readonly leftOut: number;
}

/** Undefined: it may be shown; else why not. */
export type MayShow = (key: ObjectKey) => string | undefined;

export function mayShowTo(authorizer: Authorizer, caller: Caller): MayShow {
  return (key) => {
    const { group, plural } = kinds[key.kind];
    const namespace = key.kind === "Namespace" ? key.name : key.namespace;
    const access = { type: "resource", verb: "get", group, resource: plural, subresource: "" } as const;
    const { allowed } = authorizer.decide(caller, { ...access, namespace, name: key.name });
    return allowed ? undefined : `${caller.user} may not get ${plural}`;
  };
}

export function differencesOf(changes: readonly Change[], mayShow: MayShow): Differences {
  return {
    differences: changes.slice(0, maxShownObjects).map((change) => differenceOf(change, mayShow)),
    leftOut: Math.max(0, changes.length - maxShownObjects),
  };
}

function boundedDifference(before: string, after: string): string[] {
  return textDifference(before, after, { maxLines: maxDifferenceLines }).map((line) =>
    line.length <= maxLineLength ? line : `${line.slice(0, maxLineLength)}…`,
  );
}

export function outcomeOf({ before, after }: Pick<Change, "before" | "after">): Difference["outcome"] {
  return before === undefined ? "created" : after === undefined ? "deleted" : "configured";
}

function differenceOf(change: Change, mayShow: MayShow): Difference {
  const { kind, namespace, name } = change.key;
  const head = { kind, namespace, name, outcome: outcomeOf(change) };
  const hidden = mayShow(change.key);
  if (hidden !== undefined) return { ...head, lines: [], hidden };
  return { ...head, lines: boundedDifference(textOf(change.before), textOf(change.after)) };
}

function textOf(object: ApiObject | undefined): string {
  return object === undefined ? "" : objectText(object, mark);
}

/** A name for a value. */
function mark(value: string): string {
  return `(hidden, ${createHash("sha256").update(salt).update("\0").update(value).digest("hex").slice(0, 8)})`;
}
