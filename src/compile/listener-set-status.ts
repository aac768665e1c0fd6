/** The status of a ListenerSet: whether its Gateway takes it, and what becomes of each of its listeners. */
import type { ListenerSetInput } from "./gateway-input.ts";
import { allowsSet } from "./gateway-listeners.ts";
import { acceptance, judgeGateway, programmingProblem, whyHeld } from "./gateway-status.ts";
import type { InputReader } from "./inputs.ts";
import { listenerStatus } from "./listener-status.ts";
import { parentOfSet } from "./listener-sets.ts";
import {
  type ComputedCondition,
  type ComputedListenerStatus,
  condition,
  type StatusUpdate,
} from "./status.ts";

/** Undefined where it does not exist, or its parent is none of ours. */
export function listenerSetStatus(inputs: InputReader, path: string): StatusUpdate | undefined {
  const set = inputs.listenerSet(path);
  const parent = set === undefined ? undefined : parentOfSet(set);
  if (set === undefined || parent === undefined) return undefined;
  if (inputs.gateway(parent) === undefined) {
    return statusOf(set, refusal("ParentNotAccepted", `Gateway ${parent} does not exist`), []);
  }
  const judged = judgeGateway(inputs, parent);
  if (judged === undefined) return undefined;
  if (!allowsSet(inputs, judged.gateway, set)) {
    const message = `Gateway ${parent} allows no ListenerSets of namespace ${set.metadata.namespace}`;
    return statusOf(set, refusal("NotAllowed", message), []);
  }
  const listeners = judged.sets.get(path) ?? [];
  const routes = inputs.routesOf({ kind: "Gateway", parent });
  const held = whyHeld(judged);
  const statuses = listeners.map((listener) => listenerStatus(listener, { gateway: parent, routes }, held));
  if (judged.problem !== undefined) {
    const message = `Gateway ${parent} is not accepted`;
    const conditions = [
      condition("Accepted", false, "ParentNotAccepted", message),
      condition("Programmed", false, "ParentNotProgrammed", message),
    ];
    return statusOf(set, conditions, statuses);
  }
  if (!listeners.some(({ isAccepted }) => isAccepted)) {
    return statusOf(set, refusal("ListenersNotValid", "no listener can be served"), statuses);
  }
  const conditions = [condition("Accepted", true, ...acceptance(listeners))];
  // Of the Gateway's own problems only its addresses are also the set's.
  if (judged.addresses.isNowhere) {
    const message = programmingProblem(judged)?.message ?? "";
    conditions.push(condition("Programmed", false, "ParentNotProgrammed", message));
  } else if (listeners.some(({ isServed }) => isServed)) {
    conditions.push(condition("Programmed", true, "Programmed", ""));
  } else {
    conditions.push(condition("Programmed", false, "ListenersNotValid", "no listener can be served"));
  }
  return statusOf(set, conditions, statuses);
}

function refusal(reason: string, message: string): ComputedCondition[] {
  return [condition("Accepted", false, reason, message), condition("Programmed", false, reason, message)];
}

function statusOf(
  { metadata }: ListenerSetInput,
  conditions: readonly ComputedCondition[],
  listeners: readonly ComputedListenerStatus[],
): StatusUpdate {
  return {
    kind: "ListenerSet",
    namespace: metadata.namespace,
    name: metadata.name,
    observedGeneration: metadata.generation,
    status: { kind: "gateway", conditions, listeners },
  };
}
