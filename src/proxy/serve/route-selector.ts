/**
 * From a prepared route table to where one request goes. Edits and cluster of a backend are looked up once per
 * configuration (`carried-rule.ts`); a request costs one match, one draw and one comparison that nothing has changed. Where
 * filters of the rule have to do with it, what they make of this one request is added (`filtered-request.ts`).
 */
import {
  chooseBackend,
  type PreparedBackend,
  type PreparedRule,
  type RouteTable,
} from "../../decide/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { CarriedRule } from "./carried-rule.ts";
import type { ServeContext } from "./context.ts";
import { answerOf, applyChanges, type ClientSide, HeadView, ownLinesOf } from "./filtered-request.ts";
import type { HttpSelection } from "./http-service.ts";
import { clusterId } from "./session-token.ts";

export class RouteSelector {
  readonly #context: ServeContext;

  constructor(context: ServeContext) {
    this.#context = context;
  }

  select(routes: RouteTable, head: HttpRequest, requestId: string, client: ClientSide): HttpSelection {
    const view = new HeadView(head);
    const rule = routes.match(view);
    if (rule === undefined) return { reason: "no_route", detail: "no rule matches", route: "" };
    const carried = CarriedRule.of(this.#context, rule);
    carried.hits.value++;
    if (rule.answers !== undefined) {
      const answer = answerOf(rule, rule.answers, view, client);
      if (answer !== undefined) return answer;
    }
    const { only } = carried;
    if (only !== undefined) return only;
    const drawn = chooseBackend(rule, requestId);
    const backend =
      rule.backends.length === 1 ? drawn : (this.#ofSession(rule, carried, drawn, head) ?? drawn);
    const { changes } = backend;
    const destination = carried.destination(backend);
    if (changes === undefined) return destination;
    return "reason" in destination
      ? { ...destination, ownLines: ownLinesOf(changes, view) }
      : applyChanges(this.#context, destination, changes, { view, requestId });
  }

  /** Where the client's session is, as long as the rule sends requests there. */
  #ofSession(
    { backends }: PreparedRule,
    carried: CarriedRule,
    drawn: PreparedBackend,
    head: HttpRequest,
  ): PreparedBackend | undefined {
    const destination = carried.destination(drawn);
    if ("reason" in destination || destination.session === undefined) return undefined;
    const token = destination.session.read(head, Math.floor(this.#context.clock.nowMs() / 1_000));
    if (token === undefined) return undefined;
    const held = backends.find(({ cluster }) => clusterId(cluster) === token.cluster);
    return held === undefined || "reason" in carried.destination(held) ? undefined : held;
  }
}
