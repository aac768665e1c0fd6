/** The rule that a request takes at one proxy, why others are not taken, and the backend that its share chooses. */
import { maxOtherRules, type RouteView } from "../api/index.ts";
import {
  chooseBackend,
  explainMismatch,
  matchText,
  type PreparedBackend,
  type PreparedRule,
} from "../decide/index.ts";
import type { HttpRouting, HttpRule } from "../model/index.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedHead } from "./simulated-head.ts";

export interface TakenRule {
  readonly rule: PreparedRule;
  readonly model: HttpRule;
  readonly backend: PreparedBackend;
  /** Its place among `model.backends`; negative: the rule has none. */
  readonly backendIndex: number;
}

/** `taken` undefined: no rule matches. */
export function takeRule(
  scene: Scene,
  routing: HttpRouting,
  head: SimulatedHead,
): { readonly taken: TakenRule | undefined; readonly view: RouteView | undefined } {
  const found = scene.routes(routing).find(head);
  const entry = found === undefined ? undefined : routing.entries[found.order];
  const model = entry === undefined ? undefined : routing.rules[entry.rule];
  const view = explainRoute(scene, routing, head, found?.order);
  if (found === undefined || model === undefined) return { taken: undefined, view };
  const backend = chooseBackend(found.rule, head.requestId);
  return {
    taken: { rule: found.rule, model, backend, backendIndex: placeOf(found.rule, backend, model) },
    view,
  };
}

/** Prepared ones are those of the message that have a weight, in their order. */
function placeOf(
  rule: Pick<PreparedRule, "backends">,
  backend: PreparedBackend,
  { backends }: Pick<HttpRule, "backends">,
): number {
  const weighted = backends.flatMap(({ weight }, index) => (weight > 0 ? [index] : []));
  return weighted[rule.backends.indexOf(backend)] ?? -1;
}

/** Those before the one that is taken differ somewhere; those behind it were not looked at any more. The former come first. */
function explainRoute(
  scene: Scene,
  routing: HttpRouting,
  head: SimulatedHead,
  order: number | undefined,
): RouteView | undefined {
  const { entries, rules } = routing;
  if (entries.length === 0) return undefined;
  const others = entries.flatMap((entry, index) => {
    if (index === order) return [];
    const source = scene.source(rules[entry.rule]?.source);
    const why =
      order !== undefined && index > order
        ? "an entry that is more specific, or older, matches already"
        : explainMismatch(entry.match, head);
    return [{ ...(source === undefined ? {} : { source }), matched: matchText(entry.match), why }];
  });
  const taken = order === undefined ? undefined : entries[order];
  const source = taken === undefined ? undefined : scene.source(rules[taken.rule]?.source);
  return {
    ...(source === undefined ? {} : { source }),
    matched: taken === undefined ? "" : matchText(taken.match),
    others: others.slice(0, maxOtherRules),
    othersOmitted: Math.max(0, others.length - maxOtherRules),
  };
}
