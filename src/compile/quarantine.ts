/** What of an object's newest version cannot be used, told by what the object says itself: the last version that could be stays in force. */
import { type ObjectKey, type Stored } from "../api/index.ts";
import type { Inputs } from "./inputs.ts";
import { lastGoodStays, policyUpdate } from "./policy-ancestors.ts";
import { isRoute } from "./route-input.ts";
import { condition, type StatusUpdate } from "./status.ts";

/** Of kinds whose content is read when they are taken in. Routes are judged by compiling them. */
export function hasProblem(inputs: Inputs, { kind, namespace, name }: ObjectKey): boolean {
  const path = `${namespace}/${name}`;
  switch (kind) {
    case "TrafficPolicy":
      return inputs.trafficPolicies.get(path)?.problem !== undefined;
    case "FaultPolicy":
      return inputs.faultPolicies.get(path)?.problem !== undefined;
    case "AuthenticationPolicy":
    case "AuthorizationPolicy":
    case "RateLimitPolicy":
      return inputs.security.get(kind, path)?.problem !== undefined;
    case "TelemetryPolicy":
      return inputs.telemetry.index.get(path)?.problem !== undefined;
    case "MeshConfig":
      return inputs.meshConfig.metadata.name === name && inputs.telemetry.mesh.problems.length > 0;
    default:
      return false;
  }
}

/** What is said of an object that could not be read, or of which nothing could be said. Undefined: its kind has no status that is computed. */
export function unreadableStatus(object: Stored, why: string): StatusUpdate | undefined {
  const message = `${why}; ${lastGoodStays}`;
  if (isRoute(object)) {
    const { kind, metadata, spec } = object;
    const conditions = [condition("Accepted", false, "UnsupportedValue", message)];
    const parents = (spec.parentRefs ?? []).map((parentRef) => ({ parentRef, conditions }));
    return { ...named(kind, metadata), status: { kind: "route", parents } };
  }
  switch (object.kind) {
    case "TrafficPolicy":
    case "FaultPolicy":
    case "AuthenticationPolicy":
    case "AuthorizationPolicy":
    case "RateLimitPolicy":
    case "TelemetryPolicy": {
      const { kind, spec } = object;
      return policyUpdate<{ readonly kind: string; readonly name: string } | undefined>(kind, object, {
        targets: spec.targetRefs ?? [undefined],
        problem: message,
        groupOf: (target) => spec.targetRefs?.find((each) => each.kind === target)?.group ?? "",
        conditionsAt: () => [],
      });
    }
    case "BackendTLSPolicy": {
      const { kind, metadata, spec } = object;
      const conditions = [condition("Accepted", false, "Invalid", message)];
      const ancestors = spec.targetRefs.map((ancestorRef) => ({ ancestorRef, conditions }));
      return { ...named(kind, metadata), status: { kind: "policy", ancestors } };
    }
    case "Gateway":
    case "ListenerSet":
    case "GatewayClass":
    case "ExternalService":
    case "MeshConfig": {
      const conditions = [condition("Accepted", false, "Invalid", message)];
      return { ...named(object.kind, object.metadata), status: { kind: "conditions", conditions } };
    }
    default:
      return undefined;
  }
}

function named(
  kind: StatusUpdate["kind"],
  {
    namespace = "",
    name,
    generation,
  }: { readonly namespace?: string; readonly name: string; readonly generation: number },
): Pick<StatusUpdate, "kind" | "namespace" | "name" | "observedGeneration"> {
  return { kind, namespace, name, observedGeneration: generation };
}
