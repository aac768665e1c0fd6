/** The status of a Gateway: what becomes of it and of each of its listeners. */
import { allowsInsecureClients } from "./client-validation.ts";
import { type GatewayAddresses, gatewayAddresses } from "./gateway-addresses.ts";
import { resolveClientCertificate } from "./gateway-backend-tls.ts";
import type { GatewayInput } from "./gateway-input.ts";
import { gatewayListeners } from "./gateway-listeners.ts";
import { gatewayProblem } from "./gateway-problem.ts";
import type { InputReader } from "./inputs.ts";
import { hasUnresolved, type JudgedListener, judgeListener, listenerStatus } from "./listener-status.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "./status.ts";

export interface JudgedGateway {
  readonly gateway: GatewayInput;
  readonly addresses: GatewayAddresses;
  readonly own: readonly JudgedListener[];
  /** Of ListenerSets, by the set's "namespace/name". */
  readonly sets: ReadonlyMap<string | undefined, readonly JudgedListener[]>;
  /** Set: nothing of it is served. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
}

/** Undefined where the Gateway does not exist or is of another controller's class. */
export function judgeGateway(inputs: InputReader, key: string): JudgedGateway | undefined {
  const gateway = inputs.ownGateway(key);
  if (gateway === undefined) return undefined;
  const judged = gatewayListeners(inputs, key, gateway).map((listener) =>
    judgeListener(inputs, gateway, listener),
  );
  const sets = Map.groupBy(judged, ({ listener }) => listener.set);
  const own = sets.get(undefined) ?? [];
  sets.delete(undefined);
  const noneAccepted = { reason: "ListenersNotValid", message: "no listener can be served" };
  return {
    gateway,
    addresses: gatewayAddresses(gateway, inputs.gatewayHost()),
    own,
    sets,
    problem: gatewayProblem(gateway) ?? (own.some(({ isAccepted }) => isAccepted) ? undefined : noneAccepted),
  };
}

export function gatewayStatus(inputs: InputReader, key: string): StatusUpdate | undefined {
  const judged = judgeGateway(inputs, key);
  if (judged === undefined) return undefined;
  const { gateway, own, sets, addresses, problem } = judged;
  const routes = inputs.routesOf({ kind: "Gateway", parent: key });
  const held = whyHeld(judged);
  const attachedSets = [...sets.values()].filter((listeners) =>
    listeners.some(({ isAccepted }) => isAccepted),
  );
  return {
    kind: "Gateway",
    namespace: gateway.metadata.namespace,
    name: gateway.metadata.name,
    observedGeneration: gateway.metadata.generation,
    status: {
      kind: "gateway",
      conditions: [
        ...gatewayConditions(judged),
        references(inputs, judged),
        ...(allowsInsecureClients(gateway) ? [insecureClients] : []),
      ],
      addresses:
        problem === undefined ? addresses.assigned.map((value) => ({ type: "IPAddress", value })) : [],
      attachedListenerSets: problem === undefined ? attachedSets.length : 0,
      listeners: own.map((listener) => listenerStatus(listener, { gateway: key, routes }, held)),
    },
  };
}

/** Why no listener is served, whatever is right with it by itself. */
export function whyHeld({ problem, addresses }: JudgedGateway): string | undefined {
  if (problem !== undefined) return "the Gateway is not accepted";
  return addresses.isNowhere ? "the Gateway has no address that can be used" : undefined;
}

/** What keeps the Gateway from being served as it asks to be; undefined: nothing. */
export function programmingProblem({
  problem,
  addresses,
  own,
}: JudgedGateway): { readonly reason: string; readonly message: string } | undefined {
  if (problem !== undefined) return { reason: "Invalid", message: problem.message };
  if (addresses.unusable.length > 0) {
    const list = addresses.unusable.join(", ");
    return {
      reason: "AddressNotUsable",
      message: `not an address of this machine: ${list}; give it to an interface or take it out of spec.addresses`,
    };
  }
  return own.some(({ isServed }) => isServed)
    ? undefined
    : { reason: "Invalid", message: "no listener can be served" };
}

function gatewayConditions(judged: JudgedGateway): ComputedCondition[] {
  const { problem, own } = judged;
  const programming = programmingProblem(judged);
  return [
    problem === undefined
      ? condition("Accepted", true, ...acceptance(own))
      : condition("Accepted", false, problem.reason, problem.message),
    programming === undefined
      ? condition("Programmed", true, "Programmed", "")
      : condition("Programmed", false, programming.reason, programming.message),
  ];
}

/** Reason and message of an object that is accepted, perhaps without some of its listeners. */
export function acceptance(listeners: readonly JudgedListener[]): [reason: string, message: string] {
  const refused = listeners.filter(({ isServed }) => !isServed);
  if (refused.length === 0) return ["Accepted", ""];
  const names = refused.map(({ listener }) => listener.input.name).join(", ");
  return ["ListenersNotValid", `listeners that are not served: ${names}`];
}

/** Beside its own reference, a summary of its listeners'. */
function references(inputs: InputReader, { gateway, own }: JudgedGateway): ComputedCondition {
  const certificate = resolveClientCertificate(inputs, gateway);
  if (typeof certificate === "object") {
    return condition("ResolvedRefs", false, certificate.reason, certificate.message);
  }
  const names = own.filter(hasUnresolved).map(({ listener }) => listener.input.name);
  return names.length === 0
    ? condition("ResolvedRefs", true, "ResolvedRefs", "")
    : condition("ResolvedRefs", false, "ListenersNotResolved", `see the listeners ${names.join(", ")}`);
}

const insecureClients = condition(
  "InsecureFrontendValidationMode",
  true,
  "ConfigurationChanged",
  "clients come in without a certificate, or with one that does not verify",
);
