/**
 * Admission of one raw connection: before its endpoint is dialled, and again whenever the configuration asks something else
 * of it. Nobody is asked twice of the same; limits count its beginning only.
 *
 *   asking --> let in <--changed: asking again
 *      '--> refused   '--> refused
 */
import { reasons } from "../../kernel/index.ts";
import type { AdmissionChain, FilterRefusal } from "../admission/index.ts";
import { type AdmissionHost, AdmissionRun } from "./admission-run.ts";
import type { ServeContext } from "./context.ts";
import type { PolicyNames } from "../observation/index.ts";
import { noPolicy, policyNames, recordRefusal } from "./policy-record.ts";
import type { TcpAdmission } from "./tcp-dial.ts";

export interface AdmittedSession {
  /** Once, for the beginning; perhaps before `start` returns. */
  onAdmitted(): void;
  /** At its beginning, or while it is open. */
  onNotAdmitted(refusal: FilterRefusal): void;
}

export class SessionAdmission implements AdmissionHost {
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

  onBodyWanted(): void {}

  #ask(filters: AdmissionChain["filters"] | undefined): void {
    if (filters === undefined) {
      this.onAdmitted();
      return;
    }
    const { caller } = this.#asked;
    const subject = { caller, remoteAddress: caller.address, http: undefined, body: undefined };
    this.#run = new AdmissionRun(this.#context, subject, this);
    this.#run.start(filters);
  }
}
