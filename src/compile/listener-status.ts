/** The status of one listener of a Gateway or of a ListenerSet. */
import { hostnamesAt } from "./gateway.ts";
import type { CompiledRoute } from "./compiled-route.ts";
import type { GatewayInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import type { Listener } from "./listener.ts";
import { type ListenerTlsOutcome, resolveTls } from "./listener-tls.ts";
import { type ComputedCondition, type ComputedListenerStatus, condition } from "./status.ts";

export interface JudgedListener {
  readonly listener: Listener;
  readonly tls: ListenerTlsOutcome;
  /** Nothing of it is wrong but what it refers to. */
  readonly isAccepted: boolean;
  readonly isServed: boolean;
}

export function judgeListener(
  inputs: InputReader,
  gateway: GatewayInput,
  listener: Listener,
): JudgedListener {
  const tls = resolveTls(inputs, gateway, listener);
  const isAccepted = listener.problem === undefined && tls.refusal !== "NoValidCACertificate";
  return { listener, tls, isAccepted, isServed: isAccepted && tls.refusal === undefined };
}

/** `held`: why none of the object's listeners is served, where that is so. */
export function listenerStatus(
  judged: JudgedListener,
  { gateway, routes }: { readonly gateway: string; readonly routes: readonly CompiledRoute[] },
  held: string | undefined,
): ComputedListenerStatus {
  const { listener } = judged;
  const attached = routes.filter(
    (route) => route.isAccepted && hostnamesAt(route, gateway, listener).length > 0,
  );
  return {
    name: listener.input.name,
    attachedRoutes: attached.length,
    supportedKinds: listener.supportedKinds,
    conditions: [
      acceptance(judged),
      conflict(listener),
      resolution(judged),
      programming(judged, held),
      ...overlap(listener),
    ],
  };
}

export function hasUnresolved({ listener, tls }: JudgedListener): boolean {
  return tls.problems.length > 0 || listener.foreignKinds.length > 0;
}

function acceptance({ listener: { problem }, tls }: JudgedListener): ComputedCondition {
  if (problem !== undefined) return condition("Accepted", false, problem.reason, problem.message);
  return tls.refusal === "NoValidCACertificate"
    ? condition(
        "Accepted",
        false,
        tls.refusal,
        "there is nothing to check the certificates of clients against",
      )
    : condition("Accepted", true, "Accepted", "");
}

function conflict({ problem }: Listener): ComputedCondition {
  return problem?.reason === "HostnameConflict" || problem?.reason === "ProtocolConflict"
    ? condition("Conflicted", true, problem.reason, problem.message)
    : condition("Conflicted", false, "NoConflicts", "");
}

function resolution({
  listener: { input, foreignKinds },
  tls: { problems },
}: JudgedListener): ComputedCondition {
  const [first] = problems;
  if (first !== undefined) {
    return condition("ResolvedRefs", false, first.reason, problems.map(({ message }) => message).join("; "));
  }
  if (foreignKinds.length === 0) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  const message = `a listener of protocol ${input.protocol} takes no ${foreignKinds.join(", no ")}`;
  return condition("ResolvedRefs", false, "InvalidRouteKinds", message);
}

const lostReasons: ReadonlySet<string> = new Set(["HostnameConflict", "ProtocolConflict", "PortUnavailable"]);

function programming(
  { listener, tls, isAccepted }: JudgedListener,
  held: string | undefined,
): ComputedCondition {
  const { problem, set } = listener;
  // A ListenerSet's listener says in both conditions what it lost to.
  if (set !== undefined && problem !== undefined && lostReasons.has(problem.reason)) {
    return condition("Programmed", false, problem.reason, problem.message);
  }
  if (!isAccepted) return condition("Programmed", false, "Invalid", "the listener is not accepted");
  if (held !== undefined) return condition("Programmed", false, "Invalid", held);
  return tls.refusal === undefined
    ? condition("Programmed", true, "Programmed", "")
    : condition("Programmed", false, "Invalid", "the listener has no certificate to show");
}

function overlap({ overlaps }: Listener): ComputedCondition[] {
  if (overlaps.length === 0) return [];
  const message = `overlaps with ${overlaps.join(", ")}: a request that comes on the other listener's connections is answered with 421`;
  return [condition("OverlappingTLSConfig", true, "OverlappingHostnames", message)];
}
