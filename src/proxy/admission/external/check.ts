/**
 * One request's question: its body where the policy wants that, the call, and what the answer makes of the request.
 *
 *   start -> reading the body -> asking -> concluded
 *     '---------'----------------'-- cancelled
 */
import type { ExternalAuthorization } from "../../../model/index.ts";
import { isPlainConnect, upgradeOf, type HttpRequest } from "../../http/index.ts";
import type { AdmissionContext } from "../context.ts";
import type { BodyStart, FilteredExchange, FilterRefusal, FilterStep, FilterWaiter } from "../filter.ts";
import { serviceHost } from "../service-host.ts";
import { startUnaryCall, type UnaryAnswer, type UnaryCall, type UnaryFailure } from "../unary-call.ts";
import { defaultTimeoutMs, maxSentBodyBytes } from "./bounds.ts";
import { announcedSize } from "./request-fields.ts";
import type { Question, QuestionForm } from "./question.ts";
import type { Verdict } from "./verdict.ts";

export interface CheckOwner {
  readonly model: ExternalAuthorization;
  readonly context: AdmissionContext;
  readonly form: QuestionForm;
  /** What becomes of the request; called once, unless the check is cancelled. */
  conclude(exchange: FilteredExchange, verdict: Verdict): "continue" | FilterRefusal;
}

const noBody: BodyStart = { bytes: new Uint8Array(0), isWhole: true };

export class Check {
  readonly #owner: CheckOwner;
  readonly #exchange: FilteredExchange;
  readonly #head: HttpRequest;
  readonly #waiter: FilterWaiter;
  #call: UnaryCall | undefined = undefined;
  #hasSlot = false;
  #isOver = false;
  /** Until `start` returns, what comes of it is returned and not told. */
  #isStarting = true;
  #early: "continue" | FilterRefusal | undefined = undefined;

  constructor(owner: CheckOwner, exchange: FilteredExchange, head: HttpRequest, waiter: FilterWaiter) {
    this.#owner = owner;
    this.#exchange = exchange;
    this.#head = head;
    this.#waiter = waiter;
  }

  start(): FilterStep {
    this.#readBody();
    this.#isStarting = false;
    return this.#early ?? "suspended";
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call?.cancel();
    if (this.#hasSlot) this.#owner.context.metrics.asked("ext_authz", "cancelled");
    this.#leave();
  }

  #readBody(): void {
    const { takesPartialBody } = this.#owner.model;
    const maxBodyBytes = this.#maxBodyBytes;
    if (maxBodyBytes === 0) {
      this.#ask(undefined);
      return;
    }
    const isTunnel = isPlainConnect(this.#head) || upgradeOf(this.#head) !== undefined;
    const announced = announcedSize(this.#head);
    if (isTunnel || announced === 0) this.#ask(noBody);
    else if (announced > maxBodyBytes && !takesPartialBody) this.#refuseLength(announced);
    // One byte more tells a body that ends here from one that does not.
    else this.#exchange.readBody(maxBodyBytes + 1, (body) => this.#onBody(body));
  }

  #onBody(body: BodyStart | undefined): void {
    if (this.#isOver || body === undefined) return;
    const { bytes, isWhole } = body;
    const maxBodyBytes = this.#maxBodyBytes;
    if (isWhole && bytes.length <= maxBodyBytes) this.#ask(body);
    else if (!this.#owner.model.takesPartialBody) this.#refuseLength(bytes.length);
    else this.#ask({ bytes: bytes.subarray(0, maxBodyBytes), isWhole: false });
  }

  get #maxBodyBytes(): number {
    return Math.min(this.#owner.model.maxBodyBytes, maxSentBodyBytes);
  }

  #refuseLength(length: number): void {
    const detail = `a body of ${length} bytes or more is longer than the ${this.#maxBodyBytes} that are sent along`;
    this.#conclude({ kind: "denied", detail, answer: { status: 413, lines: [], body: undefined } });
  }

  #ask(body: BodyStart | undefined): void {
    const { context, form } = this.#owner;
    if (!context.externalQuestions.enter()) {
      const detail = "too many questions of external authorization are under way";
      this.#conclude({ kind: "unanswered", outcome: "overloaded", detail });
      return;
    }
    this.#hasSlot = true;
    form.prepare({ head: this.#head, request: this.#exchange.request, body }, (question) => {
      if (!this.#isOver) this.#send(question);
    });
  }

  #send(question: Question | undefined): void {
    const { context, model } = this.#owner;
    if (question === undefined) {
      this.#conclude({ kind: "unusable", detail: "the service cannot be asked about such a request" });
      return;
    }
    const cluster = context.cluster(model.cluster);
    if (cluster === undefined) {
      const detail = `there is no cluster ${model.cluster}`;
      this.#conclude({ kind: "unanswered", outcome: "failed", detail });
      return;
    }
    const authority = question.authority ?? serviceHost(cluster.service);
    const request = { ...question, authority, timeoutMs: model.timeoutMs || defaultTimeoutMs };
    const call = startUnaryCall(context, cluster, request, (result) => this.#onResult(result));
    if (!this.#isOver) this.#call = call;
  }

  #onResult(result: UnaryAnswer | UnaryFailure): void {
    if (this.#isOver) return;
    this.#conclude(result.kind === "answer" ? this.#owner.form.verdict(result) : this.#failed(result));
  }

  #failed(failure: UnaryFailure): Verdict {
    const { reason, detail } = failure;
    // What cannot be said to the service must not be a way around it.
    if (reason === "malformed_request") {
      return { kind: "unusable", detail: `the service cannot be asked: ${detail}` };
    }
    const refusal = this.#owner.form.refusalIn(failure);
    if (refusal !== undefined) return refusal;
    // It was no outage, and what it said may have been a no.
    if (failure.isTooLong === true) return { kind: "unusable", detail };
    const outcome = reason === "request_timeout" ? "timed_out" : "failed";
    return { kind: "unanswered", outcome, detail: `no answer of the service: ${detail}` };
  }

  #conclude(verdict: Verdict): void {
    this.#isOver = true;
    this.#call = undefined;
    this.#leave();
    const step = this.#owner.conclude(this.#exchange, verdict);
    if (this.#isStarting) this.#early = step;
    else this.#waiter.resume(step);
  }

  #leave(): void {
    if (this.#hasSlot) this.#owner.context.externalQuestions.leave();
    this.#hasSlot = false;
  }
}
