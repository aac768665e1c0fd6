/** The filter that asks a service whether a request may go on, and what a policy makes of an answer or of none. */
import { type ExternalAuthorization, ExternalAuthorizationProtocol } from "../../../model/index.ts";
import type { AdmissionContext } from "../context.ts";
import type {
  FilterAnswer,
  FilteredExchange,
  FilterRefusal,
  FilterStep,
  FilterWaiter,
  RequestFilter,
} from "../filter.ts";
import { Check, type CheckOwner } from "./check.ts";
import { GrpcForm } from "./grpc-form.ts";
import { HttpForm } from "./http-form.ts";
import type { QuestionForm } from "./question.ts";
import { applyEdits, type Verdict } from "./verdict.ts";

export function externalAuthorization(
  model: ExternalAuthorization,
  context: AdmissionContext,
): RequestFilter {
  const isResolved = model.unresolved === "" && model.cluster !== "";
  return isResolved ? new ExternalFilter(model, context) : new UnresolvedFilter(model);
}

/** Without an answer every request of an outage would have its line; one a second says enough, and how many it stands for. */
const outageLineUs = 1_000_000;
const plainRefusal = 403;
/** UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED, and UNAVAILABLE for the others. */
const statusesOfCalls: ReadonlySet<number> = new Set([401, 403, 404, 429, 502, 503, 504]);

class ExternalFilter implements RequestFilter, CheckOwner {
  readonly model: ExternalAuthorization;
  readonly context: AdmissionContext;
  readonly form: QuestionForm;
  readonly #checks = new Map<FilteredExchange, Check>();
  #outageSaidUs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(model: ExternalAuthorization, context: AdmissionContext) {
    this.model = model;
    this.context = context;
    const isGrpc = model.protocol === ExternalAuthorizationProtocol.GRPC;
    this.form = isGrpc ? new GrpcForm(model) : new HttpForm(model);
  }

  start(exchange: FilteredExchange, waiter: FilterWaiter): FilterStep {
    if (exchange.head === undefined) {
      return this.#unavailable(exchange, "a connection without requests is not asked about");
    }
    // Each question would be asked about, at the service's own door, without end.
    const asked = this.context.cluster(this.model.cluster)?.service ?? "";
    if (asked !== "" && asked === exchange.request.caller.service) {
      return this.#unavailable(exchange, `${asked} cannot be asked about requests to itself`);
    }
    const check = new Check(this, exchange, exchange.head, waiter);
    this.#checks.set(exchange, check);
    return check.start();
  }

  cancel(exchange: FilteredExchange): void {
    this.#checks.get(exchange)?.cancel();
    this.#checks.delete(exchange);
  }

  conclude(exchange: FilteredExchange, verdict: Verdict): "continue" | FilterRefusal {
    this.#checks.delete(exchange);
    const { metrics } = this.context;
    switch (verdict.kind) {
      case "allowed":
        metrics.asked("ext_authz", "ok");
        applyEdits(exchange, verdict.edits);
        note(exchange, this.model, "", "allowed");
        return "continue";
      case "denied":
        metrics.asked("ext_authz", "denied");
        note(exchange, this.model, "", "denied");
        return this.#denied(exchange, verdict.detail, verdict.answer);
      case "unusable":
        metrics.asked("ext_authz", "unusable");
        return this.#unavailable(exchange, verdict.detail);
      case "unanswered":
        metrics.asked("ext_authz", verdict.outcome);
        return this.model.failsOpen
          ? this.#letIn(exchange, verdict.detail)
          : this.#unavailable(exchange, verdict.detail);
    }
  }

  /** A call is told in gRPC's codes, which few statuses stand for: the others are the plain refusal. */
  #denied(exchange: FilteredExchange, detail: string, answer: FilterAnswer): FilterRefusal {
    const refusal = { reason: "external_denied", detail, source: this.model.source } as const;
    const isCall = exchange.request.http?.isGrpc === true;
    return isCall && !statusesOfCalls.has(answer.status) ? refusal : { ...refusal, answer };
  }

  #letIn(exchange: FilteredExchange, detail: string): "continue" {
    this.context.metrics.asked("ext_authz", "failed_open");
    note(exchange, this.model, "no answer", "allowed");
    // Only the service may say these, and it did not.
    for (const nameLower of this.model.answerHeaders) exchange.removeRequestHeader(nameLower);
    this.#unsaid++;
    const nowUs = this.context.clock.monotonicUs();
    if (nowUs - this.#outageSaidUs >= outageLineUs) {
      const { namespace, name, kind } = this.model.source ?? { namespace: "", name: "", kind: "" };
      this.context.log.warn("external authorization gives no answer, requests go on without", {
        policy: `${kind} ${namespace}/${name}`,
        detail,
        requests: this.#unsaid,
      });
      this.#outageSaidUs = nowUs;
      this.#unsaid = 0;
    }
    return "continue";
  }

  #unavailable(exchange: FilteredExchange, detail: string): FilterRefusal {
    const { errorStatus, source } = this.model;
    note(exchange, this.model, "", "denied");
    const refusal = { reason: "external_unavailable", detail, source } as const;
    if (errorStatus === 0 || errorStatus === plainRefusal) return refusal;
    return { ...refusal, answer: { status: errorStatus, lines: [], body: undefined } };
  }
}

/** There is nobody to ask: no request goes on, whatever the policy says of outages. */
class UnresolvedFilter implements RequestFilter {
  readonly #model: ExternalAuthorization;

  constructor(model: ExternalAuthorization) {
    this.#model = model;
  }

  start(exchange: FilteredExchange): FilterRefusal {
    const { unresolved, source } = this.#model;
    note(exchange, this.#model, "", "denied");
    return { reason: "backend_unresolved", detail: unresolved, source };
  }

  cancel(): void {}
}

function note(
  exchange: FilteredExchange,
  { source }: ExternalAuthorization,
  rule: string,
  verdict: "allowed" | "denied",
): void {
  if (source !== undefined) exchange.note({ source, rule, verdict });
}
