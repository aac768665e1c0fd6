/** A ListenerSet as the parent of a route. */
import { allowsSet, setListeners } from "./gateway-listeners.ts";
import type { InputReader } from "./inputs.ts";
import type { DeclaredListener } from "./listener.ts";
import { parentOfSet } from "./listener-sets.ts";

/** Where a route may attach: a Gateway, or a ListenerSet of one. */
export interface ListenerParent {
  /** For messages. */
  readonly name: string;
  /** "namespace/name". */
  readonly gateway: string;
  readonly listeners: readonly DeclaredListener[];
}

interface NoParent {
  readonly reason: "NoMatchingParent";
  readonly message: string;
}

/** Undefined: the set is of a Gateway of somebody else's. */
export function setParent(inputs: InputReader, path: string): ListenerParent | NoParent | undefined {
  const set = inputs.listenerSet(path);
  if (set === undefined) return none(`ListenerSet ${path} does not exist`);
  const gateway = parentOfSet(set);
  if (gateway === undefined) return undefined;
  if (inputs.gateway(gateway) === undefined) {
    return none(`ListenerSet ${path} is for Gateway ${gateway}, which does not exist`);
  }
  const input = inputs.ownGateway(gateway);
  if (input === undefined) return undefined;
  return allowsSet(inputs, input, set)
    ? { name: `ListenerSet ${path}`, gateway, listeners: setListeners(set) }
    : none(`Gateway ${gateway} does not allow ListenerSet ${path}`);
}

function none(message: string): NoParent {
  return { reason: "NoMatchingParent", message };
}
