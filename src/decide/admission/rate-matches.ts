/**
 * Which requests a limit counts. One that may be meant is counted: any reading of its path suffices, and what cannot be
 * told of it counts as well, so that nobody escapes by being unclear. Of a raw connection, what needs a request is not there.
 */
import type { AuthorizationRule } from "../../model/index.ts";
import { CallerView, type TrustDomains } from "./caller-view.ts";
import type { AdmissionRequest, CallerFacts } from "./request.ts";
import { type CallerViews, RequestFacts } from "./request-facts.ts";
import { matchesRule, type PreparedRule, prepareRule } from "./rule-match.ts";

export class RateMatches implements CallerViews {
  readonly #rules: readonly PreparedRule[];
  readonly #mesh: TrustDomains;
  readonly #callers = new WeakMap<CallerFacts, CallerView>();

  constructor(rules: readonly AuthorizationRule[], mesh: TrustDomains) {
    this.#rules = rules.map(prepareRule);
    this.#mesh = mesh;
  }

  isAny(request: AdmissionRequest): boolean {
    const facts = new RequestFacts(request, this);
    const action = request.http === undefined ? "allow" : "audit";
    return this.#rules.some((rule) => matchesRule(rule, facts, action));
  }

  viewOf(caller: CallerFacts): CallerView {
    let view = this.#callers.get(caller);
    if (view === undefined) {
      view = new CallerView(caller, this.#mesh);
      this.#callers.set(caller, view);
    }
    return view;
  }
}
