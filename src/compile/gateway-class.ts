/** Which Gateways are weft's: those of a GatewayClass that names this controller. */
import type { InputReader } from "./inputs.ts";
import { condition, type StatusUpdate } from "./status.ts";
import { supportedFeatures } from "./supported-features.ts";

/** Undefined where the class does not exist or is another controller's. */
export function gatewayClassStatus(inputs: InputReader, name: string): StatusUpdate | undefined {
  const gatewayClass = inputs.gatewayClass(name);
  if (gatewayClass === undefined || !inputs.isOwnClass(name)) return undefined;
  const hasParameters = gatewayClass.spec.parametersRef !== undefined;
  return {
    kind: "GatewayClass",
    namespace: "",
    name: gatewayClass.metadata.name,
    observedGeneration: gatewayClass.metadata.generation,
    status: {
      kind: "class",
      conditions: [
        hasParameters
          ? condition("Accepted", false, "InvalidParameters", "spec.parametersRef is not supported")
          : condition("Accepted", true, "Accepted", ""),
        // Resources of other versions cannot be written here.
        condition("SupportedVersion", true, "SupportedVersion", "Gateway API v1.6"),
      ],
      supportedFeatures,
    },
  };
}
