/** The part of an audit entry that is about the request: who, how proven, from where. */
import type { AuditFields } from "../../api/index.ts";
import type { Caller } from "../authentication/caller.ts";

/** More groups than this say nothing that the user's name does not. */
const maxGroups = 64;

export interface AuditedRequest {
  readonly id: string;
  readonly source: string;
  /** Undefined: nobody was proven. */
  readonly caller: Caller | undefined;
}

export function auditFields(
  { id, source, caller }: AuditedRequest,
  what: Pick<AuditFields, "verb" | "objects">,
): AuditFields {
  return {
    id,
    phase: "event",
    verb: what.verb,
    user: caller?.user ?? "",
    ...(caller === undefined ? {} : { groups: caller.groups.slice(0, maxGroups) }),
    method: caller?.method ?? "none",
    ...(caller?.impersonator === undefined ? {} : { impersonator: caller.impersonator }),
    source,
    objects: what.objects,
  };
}
