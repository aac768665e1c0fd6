/**
 * Stands between a planned write and the store, for one request: may the caller make it, would it shut somebody out, and is it
 * in the audit log before it is done and after.
 */
import { randomUUID } from "node:crypto";
import { type AuditFields, kinds } from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { auditFields } from "./audit/audit-fields.ts";
import { auditedWrite } from "./audit/audited-write.ts";
import type { ApiRequest } from "./api-request.ts";
import { accessText, type ResourceAccess } from "./authorization/access-request.ts";
import { type Authorizer, isRbacKind } from "./authorization/authorizer.ts";
import { lockOutError, securityLockOuts } from "./lock-out.ts";
import { escalation, indexAfter, lockout, type PlannedWrite } from "./authorization/role-writes.ts";

/** What the writer asks before and around each commit. */
export interface WriteGate {
  /** Throws `forbidden` where the caller may not write one of the objects. Knows nothing of them but their names. */
  authorize(writes: readonly PlannedWrite[]): void;
  /** Throws `forbidden` where roles would give away too much, `conflict` where they would shut somebody out. Asked for a dry run too. */
  admit(writes: readonly PlannedWrite[]): void;
  /**
   * Runs the commit between two entries of the audit log. Throws `io` where the first cannot be written, and `unavailable` where the
   * caller is gone: then nothing is done.
   */
  commit<T extends { readonly revision?: number }>(
    writes: readonly PlannedWrite[],
    write: (anchor: string | undefined) => Promise<T>,
  ): Promise<T>;
  /** A dry run, or a write that changes nothing. */
  note(writes: readonly PlannedWrite[], dryRun: boolean): void;
}

export interface RequestGateOptions {
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly audit: AuditLog | undefined;
  readonly request: ApiRequest;
  /** The request's own verb, which was allowed already; undefined: a transaction, each object for itself. */
  readonly verb: string | undefined;
  /** Whether `authorize` asks for each object. */
  readonly asksEach: boolean;
  readonly acceptLockout: boolean;
  /** "namespace/name" of workloads to which somebody came without a certificate lately. */
  readonly plaintextCallers: () => ReadonlySet<string>;
}

export class RequestGate implements WriteGate {
  readonly #options: RequestGateOptions;

  constructor(options: RequestGateOptions) {
    this.#options = options;
  }

  authorize(writes: readonly PlannedWrite[]): void {
    if (this.#options.asksEach) this.#refuse(this.#verbIssues(writes));
  }

  admit(writes: readonly PlannedWrite[]): void {
    const { store, acceptLockout, plaintextCallers } = this.#options;
    const shut = acceptLockout ? [] : securityLockOuts(store, writes, plaintextCallers);
    if (shut.length > 0) throw lockOutError(shut);
    if (writes.some(({ key }) => isRbacKind(key.kind))) this.#admitRoles(writes);
  }

  #admitRoles(writes: readonly PlannedWrite[]): void {
    const { verb, authorizer, request, store, acceptLockout } = this.#options;
    const subject = request.caller;
    const roleWrites = { authorizer, subject, writes, after: indexAfter(store, writes) };
    this.#refuse(
      writes.flatMap((write, index) => {
        const message = escalation(roleWrites, write);
        return message === undefined
          ? []
          : [{ path: pathOf(write, index, verb), message: `may not: ${message}` }];
      }),
    );
    const shutOut = acceptLockout ? undefined : lockout(roleWrites);
    if (shutOut !== undefined) throw lockOutError([shutOut]);
  }

  commit<T extends { readonly revision?: number }>(
    writes: readonly PlannedWrite[],
    write: (anchor: string | undefined) => Promise<T>,
  ): Promise<T> {
    // A process that stood still must not do then what its caller has long since done elsewhere, or undone.
    if (this.#options.request.http.signal.aborted) {
      throw new WeftError("unavailable", "its caller is gone before it was its turn: nothing is written");
    }
    return auditedWrite(this.#options.audit, () => this.#fields(writes), write);
  }

  note(writes: readonly PlannedWrite[], dryRun: boolean): void {
    this.#options.audit?.record({ ...this.#fields(writes), outcome: "ok", ...(dryRun ? { dryRun } : {}) });
  }

  #refuse(issues: readonly Issue[]): void {
    const [first] = issues;
    if (first === undefined) return;
    const more = issues.length > 1 ? ` and ${issues.length - 1} more` : "";
    throw new WeftError("forbidden", `${this.#options.request.caller.user} ${first.message}${more}`, {
      issues,
    });
  }

  #verbIssues(writes: readonly PlannedWrite[]): Issue[] {
    const { authorizer, request } = this.#options;
    return writes.flatMap((write, index) => {
      if (write.isImplied) return [];
      const access = accessOfWrite(write);
      const { allowed, reason } = authorizer.decide(request.caller, access);
      return allowed
        ? []
        : [{ path: pathOf(write, index, undefined), message: `may not ${accessText(access)}: ${reason}` }];
    });
  }

  #fields(writes: readonly PlannedWrite[]) {
    const { request, verb } = this.#options;
    return auditFields(request, { verb: verb ?? "transact", objects: auditedObjects(writes) });
  }
}

/** For a write of the mesh's own that was allowed and checked when it was begun: it is in the audit log, and nothing is asked of it. */
export function ownGate(
  audit: AuditLog | undefined,
  { user, verb }: { readonly user: string; readonly verb: string },
): WriteGate {
  return {
    authorize() {},
    admit() {},
    note() {},
    commit(writes, write) {
      const request = { id: randomUUID(), source: "control plane", caller: undefined };
      const fields = () => ({ ...auditFields(request, { verb, objects: auditedObjects(writes) }), user });
      return auditedWrite(audit, fields, write);
    },
  };
}

function auditedObjects(writes: readonly PlannedWrite[]): AuditFields["objects"] {
  return writes.map((write) => {
    const { kind, namespace, name } = write.key;
    return { kind, ...(namespace === "" ? {} : { namespace }), name, verb: verbOf(write) };
  });
}

function verbOf({ existing, object }: PlannedWrite): "create" | "update" | "delete" {
  if (object === undefined) return "delete";
  return existing === undefined ? "create" : "update";
}

/** As Kubernetes: what is created has no name yet that a rule could choose it by. */
function accessOfWrite(write: PlannedWrite): ResourceAccess {
  const { key } = write;
  const { group, plural } = kinds[key.kind];
  const verb = verbOf(write);
  const namespace = key.kind === "Namespace" && verb !== "create" ? key.name : key.namespace;
  const name = verb === "create" ? "" : key.name;
  return { type: "resource", verb, group, resource: plural, subresource: "", namespace, name };
}

/** The writer plans a transaction's objects in their order, deletions after them. */
function pathOf({ object, key }: PlannedWrite, index: number, verb: string | undefined): string {
  if (verb !== undefined) return "";
  return object === undefined ? `deletions[${key.kind} ${key.name}]` : `objects[${index}]`;
}
