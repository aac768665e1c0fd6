/** The status of a Gateway: what becomes of it and of each of its listeners. */
import { gatewayProblem, hostnamesAt, ownGateway } from "./gateway.ts";
import type { InputReader } from "./inputs.ts";
import { analyzeListeners, type Listener } from "./listener.ts";
import { type ListenerTlsOutcome, resolveTls } from "./listener-tls.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "./status.ts";

interface JudgedListener {
  readonly listener: Listener;
  readonly tls: ListenerTlsOutcome;
}

export function gatewayStatus(inputs: InputReader, key: string): StatusUpdate | undefined {
  const gateway = ownGateway(inputs, key);
  if (gateway === undefined) return undefined;
  const routes = inputs.routesOf({ kind: "Gateway", parent: key });
  const judged = analyzeListeners(gateway).map(
    (listener): JudgedListener => ({ listener, tls: resolveTls(inputs, gateway, listener.input) }),
  );
  return {
    kind: "Gateway",
    namespace: gateway.metadata.namespace,
    name: gateway.metadata.name,
    observedGeneration: gateway.metadata.generation,
    status: {
      kind: "gateway",
      conditions: gatewayConditions(gatewayProblem(gateway), judged),
      listeners: judged.map(({ listener, tls }) => ({
        name: listener.input.name,
        attachedRoutes: routes.filter((route) => hostnamesAt(route, key, listener).length > 0).length,
        supportedKinds: listener.supportedKinds,
        conditions: listenerConditions(listener, tls),
      })),
    },
  };
}

function gatewayConditions(
  problem: { readonly reason: string; readonly message: string } | undefined,
  judged: readonly JudgedListener[],
): ComputedCondition[] {
  if (problem !== undefined) return refusal(problem.reason, problem.message);
  if (judged.every(({ listener }) => listener.problem !== undefined)) {
    return refusal("ListenersNotValid", "no listener can be served");
  }
  const refused = judged.filter(({ listener, tls }) => listener.problem !== undefined || !tls.isServable);
  const names = refused.map(({ listener }) => listener.input.name).join(", ");
  return [
    refused.length > 0
      ? condition("Accepted", true, "ListenersNotValid", `listeners that are not served: ${names}`)
      : condition("Accepted", true, "Accepted", ""),
    refused.length === judged.length
      ? condition("Programmed", false, "Invalid", "no listener can be served")
      : condition("Programmed", true, "Programmed", ""),
  ];
}

function refusal(reason: string, message: string): ComputedCondition[] {
  return [condition("Accepted", false, reason, message), condition("Programmed", false, "Invalid", message)];
}

function listenerConditions(listener: Listener, tls: ListenerTlsOutcome): ComputedCondition[] {
  const { problem } = listener;
  const isConflicted = problem?.reason === "HostnameConflict" || problem?.reason === "ProtocolConflict";
  return [
    problem === undefined
      ? condition("Accepted", true, "Accepted", "")
      : condition("Accepted", false, problem.reason, problem.message),
    isConflicted
      ? condition("Conflicted", true, problem.reason, problem.message)
      : condition("Conflicted", false, "NoConflicts", ""),
    resolution(listener, tls),
    programming(problem !== undefined, tls.isServable),
  ];
}

function resolution({ input, foreignKinds }: Listener, { problems }: ListenerTlsOutcome): ComputedCondition {
  const [first] = problems;
  if (first !== undefined) {
    return condition("ResolvedRefs", false, first.reason, problems.map(({ message }) => message).join("; "));
  }
  if (foreignKinds.length === 0) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  const message = `a listener of protocol ${input.protocol} takes no ${foreignKinds.join(", no ")}`;
  return condition("ResolvedRefs", false, "InvalidRouteKinds", message);
}

function programming(isRefused: boolean, isServable: boolean): ComputedCondition {
  if (isRefused) return condition("Programmed", false, "Invalid", "the listener is not accepted");
  return isServable
    ? condition("Programmed", true, "Programmed", "")
    : condition("Programmed", false, "Invalid", "the listener has no certificate to show");
}
