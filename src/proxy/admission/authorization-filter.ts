/**
 * Authorization as a filter: the table decides at once, and where custom policies match, their services are asked one after
 * another before it decides the rest.
 */
import {
  AuthorizationTable,
  type AuthorizationVerdict,
  type CustomPolicy,
  type DecidedBy,
  type PolicyVerdict,
} from "../../decide/admission/index.ts";
import type { Authorization, ExternalAuthorization } from "../../model/index.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, FilterWaiter, RequestFilter } from "./filter.ts";

export interface AuthorizationParts {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /** Of one custom policy; shared by all tables that have the same. */
  externalFilter(external: ExternalAuthorization): RequestFilter;
}

export class AuthorizationFilter implements RequestFilter {
  readonly #table: AuthorizationTable;
  readonly #parts: AuthorizationParts;
  readonly #asking = new WeakMap<FilteredExchange, CustomRun>();

  constructor(authorization: Authorization, parts: AuthorizationParts) {
    this.#table = AuthorizationTable.prepare(authorization, parts);
    this.#parts = parts;
  }

  start(exchange: FilteredExchange, waiter: FilterWaiter): FilterStep {
    const note = this.#table.tells ? noteTo(exchange) : untold;
    const verdict = this.#table.decide(exchange.request, note);
    if (verdict.verdict !== "ask") return stepOf(verdict, exchange);
    const filters: RequestFilter[] = [];
    for (const custom of verdict.custom) {
      if (custom.external === undefined) return withoutService(custom);
      filters.push(this.#parts.externalFilter(custom.external));
    }
    const run = new CustomRun(filters, exchange, (step) => {
      this.#asking.delete(exchange);
      waiter.resume(step === "continue" ? this.#afterCustom(exchange) : step);
    });
    const step = run.advance();
    if (step === "suspended") this.#asking.set(exchange, run);
    return step === "continue" ? this.#afterCustom(exchange) : step;
  }

  cancel(exchange: FilteredExchange): void {
    this.#asking.get(exchange)?.cancel();
    this.#asking.delete(exchange);
  }

  #afterCustom(exchange: FilteredExchange): "continue" | FilterRefusal {
    return stepOf(this.#table.afterCustom(exchange.request, noteTo(exchange)), exchange);
  }
}

/** Filters of custom policies, in their order. */
class CustomRun implements FilterWaiter {
  readonly #filters: readonly RequestFilter[];
  readonly #exchange: FilteredExchange;
  readonly #done: FilterWaiter["resume"];
  #index = 0;

  constructor(filters: readonly RequestFilter[], exchange: FilteredExchange, done: FilterWaiter["resume"]) {
    this.#filters = filters;
    this.#exchange = exchange;
    this.#done = done;
  }

  advance(): FilterStep {
    for (;;) {
      const filter = this.#filters[this.#index];
      if (filter === undefined) return "continue";
      const step = filter.start(this.#exchange, this);
      if (step !== "continue") return step;
      this.#index++;
    }
  }

  cancel(): void {
    this.#filters[this.#index]?.cancel(this.#exchange);
  }

  resume(step: "continue" | FilterRefusal): void {
    if (step !== "continue") {
      this.#done(step);
      return;
    }
    this.#index++;
    const next = this.advance();
    if (next !== "suspended") this.#done(next);
  }
}

function withoutService({ by }: CustomPolicy): FilterRefusal {
  const detail = "its policy names no service that could be asked";
  return { reason: "external_unavailable", detail, source: by.source };
}

function untold(): void {}

function noteTo(exchange: FilteredExchange): (by: DecidedBy, verdict: PolicyVerdict) => void {
  return ({ source, rule }, verdict) => exchange.note({ source, rule, verdict });
}

function stepOf(
  verdict: Exclude<AuthorizationVerdict, { verdict: "ask" }>,
  exchange: FilteredExchange,
): "continue" | FilterRefusal {
  const { by } = verdict;
  const isAllowed = verdict.verdict === "allow";
  if (by !== undefined) {
    exchange.note({ source: by.source, rule: by.rule, verdict: isAllowed ? "allowed" : "denied" });
  }
  if (isAllowed) return "continue";
  return {
    reason: "authorization_denied",
    detail: by === undefined ? "no allow policy matches" : describe(by),
    source: by?.source,
    hint: verdict.hint,
  };
}

function describe({ action, rule }: DecidedBy): string {
  return rule === "" ? `no rule of the ${action} policy matches` : `${rule} of the ${action} policy matches`;
}
