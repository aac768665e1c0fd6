/**
 * From a prepared route table to where one request goes. Edits and cluster of a backend are looked up once per
 * configuration; a request costs one match, one draw and one comparison that nothing has changed. Where filters of the
 * rule have to do with it, what they make of this one request is added (`filtered-request.ts`).
 */
import {
  chooseBackend,
  layRequests,
  type PreparedBackend,
  type PreparedRule,
  type RouteTable,
} from "../../decide/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { ServeContext } from "./context.ts";
import { answerOf, applyChanges, type ClientSide, HeadView, ownLinesOf } from "./filtered-request.ts";
import type { HttpDestination, HttpRefusal, HttpSelection } from "./http-service.ts";
import { prepareSession } from "./prepare-session.ts";
import { clusterId } from "./session-token.ts";

export class RouteSelector {
  readonly #context: ServeContext;
  readonly #destinations = new WeakMap<PreparedBackend, HttpDestination>();

  constructor(context: ServeContext) {
    this.#context = context;
  }

  select(routes: RouteTable, head: HttpRequest, requestId: string, client: ClientSide): HttpSelection {
    const view = new HeadView(head);
    const rule = routes.match(view);
    if (rule === undefined) return { reason: "no_route", detail: "no rule matches", route: "" };
    this.#context.ruleHits.count(rule);
    if (rule.answers !== undefined) {
      const answer = answerOf(rule, rule.answers, view, client);
      if (answer !== undefined) return answer;
    }
    const drawn = chooseBackend(rule, requestId);
    const backend = rule.backends.length === 1 ? drawn : (this.#ofSession(rule, drawn, head) ?? drawn);
    const { changes } = backend;
    const destination = this.#destinationOf(rule, backend);
    if (changes === undefined) return destination;
    return "reason" in destination
      ? { ...destination, ownLines: ownLinesOf(changes, view) }
      : applyChanges(this.#context, destination, changes, { view, requestId });
  }

  /** Where the client's session is, as long as the rule sends requests there. */
  #ofSession(rule: PreparedRule, drawn: PreparedBackend, head: HttpRequest): PreparedBackend | undefined {
    const destination = this.#destinationOf(rule, drawn);
    if ("reason" in destination || destination.session === undefined) return undefined;
    const token = destination.session.read(head, Math.floor(this.#context.clock.nowMs() / 1_000));
    if (token === undefined) return undefined;
    const held = rule.backends.find(({ cluster }) => clusterId(cluster) === token.cluster);
    return held === undefined || "reason" in this.#destinationOf(rule, held) ? undefined : held;
  }

  #destinationOf(rule: PreparedRule, backend: PreparedBackend): HttpDestination | HttpRefusal {
    const { route, section, admission, telemetry } = rule;
    if (backend.unresolved !== undefined) {
      const detail = backend.unresolved;
      return { reason: "backend_unresolved", detail, route, rule: section, admission, telemetry };
    }
    const cluster = this.#context.upstreams.cluster(backend.cluster);
    if (cluster === undefined) {
      const detail = `cluster ${backend.cluster} is not known here`;
      return { reason: "no_endpoint", detail, route, rule: section, admission, telemetry };
    }
    const known = this.#destinations.get(backend);
    if (known !== undefined && known.cluster === cluster) return known;
    const destination: HttpDestination = {
      cluster,
      route,
      rule: section,
      admission,
      telemetry,
      requestEdits: backend.requestEdits,
      responseEdits: backend.responseEdits,
      requests: layRequests(rule.requests, cluster.requests),
      faults: rule.faults ?? cluster.faults,
      session: prepareSession(rule.session ?? cluster.session),
    };
    this.#destinations.set(backend, destination);
    return destination;
  }
}
