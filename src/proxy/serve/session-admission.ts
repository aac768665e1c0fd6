/**
 * Admission of one raw connection: before its endpoint is dialled, and again whenever the configuration asks something else
 * of it. Nobody is asked twice of the same; limits count its beginning only.
 *
 *   asking --> let in <--changed: asking again
 *      '--> refused   '--> refused
 */
import { reasons } from "../../kernel/index.ts";
import type { AdmissionChain, FilterRefusal } from "../admission/index.ts";
import { AdmissionRun } from "./admission-run.ts";
import type { ServeContext } from "./context.ts";
import type { AskedFirst } from "./http-service.ts";
import type { PolicyNames } from "../observation/index.ts";
import { noPolicy, policyNames, recordRefusal } from "./policy-record.ts";
import type { TcpAdmission } from "./tcp-dial.ts";

export interface AdmittedSession {
  /** Once, for the beginning; perhaps before `start` returns. */
  onAdmitted(): void;
  /** At its beginning, or while it is open. */
  onNotAdmitted(refusal: FilterRefusal): void;
}

export class SessionAdmission {
  /** By which a refusal is found; empty: it was not refused. */
  requestId = "";
  /** For the log. */
  policy: PolicyNames = noPolicy;
  readonly #context: ServeContext;
  readonly #asked: TcpAdmission;
  readonly #session: AdmittedSession;
  #chain: AdmissionChain | undefined = undefined;
  #run: AdmissionRun | undefined = undefined;
  #isLetIn = false;

  constructor(context: ServeContext, asked: TcpAdmission, session: AdmittedSession) {
    this.#context = context;
    this.#asked = asked;
    this.#session = session;
  }

  start(): void {
    this.#chain = this.#asked.chain();
    this.#ask(this.#chain?.filters);
  }

  /** Every second. */
  sweep(): void {
    if (!this.#isLetIn || this.#run !== undefined) return;
    const reason = this.#asked.refusal();
    if (reason !== undefined) {
      this.#session.onNotAdmitted({ reason, detail: reasons[reason].hint, source: undefined });
      return;
    }
    const chain = this.#asked.chain();
    if (chain === this.#chain) return;
    this.#chain = chain;
    this.#ask(chain?.standing);
  }

  /** The connection is over. */
  cancel(): void {
    this.#run?.cancel();
    this.#run = undefined;
  }

  // ---- the run

  onAdmitted(): void {
    this.policy = policyNames(this.#run?.deed, undefined);
    this.#run = undefined;
    if (this.#isLetIn) return;
    this.#isLetIn = true;
    this.#session.onAdmitted();
  }

  onNotAdmitted(refusal: FilterRefusal): void {
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) {
      this.requestId = this.#context.requestIds.next();
      this.policy = policyNames(run.deed, refusal);
      recordRefusal(this.#context, run, refusal, this.requestId);
    }
    this.#session.onNotAdmitted(refusal);
  }

  #ask(filters: AdmissionChain["filters"] | undefined): void {
    if (filters === undefined) {
      this.onAdmitted();
      return;
    }
    this.#run = new SessionRun(this.#context, { caller: this.#asked.caller, filters }, this);
    this.#run.start();
  }
}

class SessionRun extends AdmissionRun {
  readonly #owner: SessionAdmission;

  constructor(context: ServeContext, asked: AskedFirst, owner: SessionAdmission) {
    super(context, asked, undefined);
    this.#owner = owner;
  }

  get remoteAddress(): string {
    return this.caller.address;
  }

  protected get body(): undefined {
    return undefined;
  }

  protected onAdmitted(): void {
    this.#owner.onAdmitted();
  }

  protected onNotAdmitted(refusal: FilterRefusal): void {
    this.#owner.onNotAdmitted(refusal);
  }

  protected onBodyWanted(): void {}
}
