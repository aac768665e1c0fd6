/** What the writer needs of a request: whose change it is, why, and the gate that it passes through. */
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { ApiRequest } from "./api-request.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { instanceUser } from "./authentication/caller.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { type FieldTracker, ownTracker } from "./field-tracking.ts";
import { RequestGate, type RequestGateOptions } from "./write-gate.ts";
import type { WriteContext } from "./writer.ts";

/** The history's bound on an author. */
const maxAuthorLength = 256;

export interface WriteClaims {
  /** Undefined: each object for itself. */
  readonly verb: string | undefined;
  /** What the client says; counts for the instance's own token alone, which several people may share. */
  readonly author: string | undefined;
  readonly message: string;
  /** The commit of a repository; undefined: not said. */
  readonly source?: string | undefined;
  readonly isImplied?: boolean | undefined;
  readonly acceptLockout: boolean;
  /** The request's own verb does not cover what it comes to: each object is asked for besides. */
  readonly asksEach?: boolean;
  readonly isDryRun?: boolean;
  /** Absent: an update by weft itself. */
  readonly fields?: FieldTracker;
}

export class WriteContexts {
  readonly #store: Store;
  readonly #authorizer: Authorizer;
  readonly #audit: AuditLog | undefined;
  readonly #plaintextCallers: () => ReadonlySet<string>;
  readonly #clock: Clock;

  constructor(
    parts: Pick<RequestGateOptions, "store" | "authorizer" | "audit" | "plaintextCallers"> & {
      readonly clock: Clock;
    },
  ) {
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#authorizer = parts.authorizer;
    this.#audit = parts.audit;
    this.#plaintextCallers = parts.plaintextCallers;
  }

  of(request: ApiRequest, claims: WriteClaims): WriteContext {
    const { verb, author, message, source, isImplied, acceptLockout, isDryRun, fields, asksEach } = claims;
    const { user } = request.caller;
    const gate = new RequestGate({
      store: this.#store,
      authorizer: this.#authorizer,
      audit: this.#audit,
      request,
      verb,
      asksEach: verb === undefined || asksEach === true,
      acceptLockout,
      plaintextCallers: this.#plaintextCallers,
    });
    return {
      author: user === instanceUser ? (author ?? "api") : user.slice(0, maxAuthorLength),
      message,
      source,
      isImplied,
      gate,
      dryRunAtMs: isDryRun === true ? this.#clock.nowMs() : undefined,
      fields: fields ?? ownTracker(this.#clock.nowMs()),
    };
  }
}
