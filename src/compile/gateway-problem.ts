/** What stands in a Gateway's own way, its listeners aside. */
import { proxyProtocolAnnotation } from "../api/index.ts";
import type { GatewayInput } from "./gateway-input.ts";

export interface GatewayProblem {
  readonly reason: "UnsupportedAddress" | "InvalidParameters";
  readonly message: string;
}

/** Why nothing of the Gateway can be served: what it asks for would otherwise be ignored in silence. */
export function gatewayProblem(gateway: GatewayInput): GatewayProblem | undefined {
  const { addresses, infrastructure } = gateway.spec;
  const foreign = (addresses ?? []).find((address) => address.type !== "IPAddress");
  if (foreign !== undefined) {
    return {
      reason: "UnsupportedAddress",
      message: `addresses of type ${foreign.type} are not supported; use IPAddress`,
    };
  }
  if (infrastructure?.parametersRef !== undefined) {
    return { reason: "InvalidParameters", message: "spec.infrastructure.parametersRef is not supported" };
  }
  const proxyProtocol = proxyProtocolOf(gateway);
  if (proxyProtocol === undefined || proxyProtocol === "required") return undefined;
  return {
    reason: "InvalidParameters",
    message: `annotation ${proxyProtocolAnnotation} must be "required" or absent`,
  };
}

export function requiresProxyProtocol(gateway: GatewayInput): boolean {
  return proxyProtocolOf(gateway) === "required";
}

function proxyProtocolOf({ metadata, spec }: GatewayInput): string | undefined {
  return (
    metadata.annotations?.[proxyProtocolAnnotation] ??
    spec.infrastructure?.annotations?.[proxyProtocolAnnotation]
  );
}
