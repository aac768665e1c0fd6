/**
 * Stands between a planned write and the store, for one request: may the caller make it, would it shut somebody out, and is it
 * in the audit log before it is done and after.
 */
import { kinds } from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { auditFields } from "./audit/audit-fields.ts";
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
  /** Runs the commit between two entries of the audit log. Throws `io` where the first cannot be written: then nothing is done. */
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

  async commit<T extends { readonly revision?: number }>(
    writes: readonly PlannedWrite[],
    write: (anchor: string | undefined) => Promise<T>,
  ): Promise<T> {
    const { audit } = this.#options;
    if (audit === undefined) return write(undefined);
    const intent = audit.begin(this.#fields(writes));
    try {
      const result = await write(intent.anchor);
      const { revision } = result;
      audit.finish(intent, { outcome: "ok", ...(revision === undefined ? {} : { revision }) });
      return result;
    } catch (error) {
      audit.finish(intent, {
        outcome: "failed",
        message: error instanceof Error ? error.message : String(error),
      });
      throw error;
    }
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
    return auditFields(request, {
      verb: verb ?? "transact",
      objects: writes.map(({ key, existing, object }) => ({
        kind: key.kind,
        ...(key.namespace === "" ? {} : { namespace: key.namespace }),
        name: key.name,
        verb: object === undefined ? "delete" : existing === undefined ? "create" : "update",
      })),
    });
  }
}

/** As Kubernetes: what is created has no name yet that a rule could choose it by. */
function accessOfWrite({ key, existing, object }: PlannedWrite): ResourceAccess {
  const { group, plural } = kinds[key.kind];
  const verb = object === undefined ? "delete" : existing === undefined ? "create" : "update";
  const namespace = key.kind === "Namespace" && verb !== "create" ? key.name : key.namespace;
  const name = verb === "create" ? "" : key.name;
  return { type: "resource", verb, group, resource: plural, subresource: "", namespace, name };
}

/** The writer plans a transaction's objects in their order, deletions after them. */
function pathOf({ object, key }: PlannedWrite, index: number, verb: string | undefined): string {
  if (verb !== undefined) return "";
  return object === undefined ? `deletions[${key.kind} ${key.name}]` : `objects[${index}]`;
}
