/** How the status of each kind of object is computed, but for routes, whose status comes of compiling them. */
import { gatewayClassStatus } from "./gateway-class.ts";
import { gatewayStatus } from "./gateway-status.ts";
import type { InputReader, Inputs } from "./inputs.ts";
import { listenerSetStatus } from "./listener-set-status.ts";
import { policyStatus } from "./policy/policy-status.ts";
import type { StatusUpdate } from "./status.ts";

/** Undefined: the object is gone, or its status is another controller's. */
export function computeStatus(inputs: InputReader, kind: string, name: string): StatusUpdate | undefined {
  switch (kind) {
    case "Gateway":
      return gatewayStatus(inputs, name);
    case "ListenerSet":
      return listenerSetStatus(inputs, name);
    case "TrafficPolicy":
    case "FaultPolicy":
      return policyStatus(inputs, kind, name);
    default:
      return gatewayClassStatus(inputs, name);
  }
}

export function hasObject(inputs: Inputs, kind: string, name: string): boolean {
  switch (kind) {
    case "Gateway":
      return inputs.gateways.has(name);
    case "ListenerSet":
      return inputs.listenerSets.get(name) !== undefined;
    case "TrafficPolicy":
      return inputs.trafficPolicies.get(name) !== undefined;
    case "FaultPolicy":
      return inputs.faultPolicies.get(name) !== undefined;
    default:
      return inputs.gatewayClasses.has(name);
  }
}
