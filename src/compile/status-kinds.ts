/** Which kinds have a status that is computed, and how: one line a kind. */
import { backendTlsPolicyStatus } from "./backend-tls-status.ts";
import { externalServiceStatus } from "./external-status.ts";
import { gatewayClassStatus } from "./gateway-class.ts";
import { gatewayStatus } from "./gateway-status.ts";
import type { InputReader, Inputs } from "./inputs.ts";
import { listenerSetStatus } from "./listener-set-status.ts";
import type { PolicyKind } from "./policy/policy-input.ts";
import { policyStatus } from "./policy/policy-status.ts";
import { routeStatus } from "./route-status.ts";
import type { SecurityKind } from "./security/security-input.ts";
import { securityStatus } from "./security/security-status.ts";
import type { StatusUpdate } from "./status.ts";
import { meshConfigStatus, telemetryStatus } from "./telemetry/telemetry-status.ts";

interface StatusOfKind {
  compute(inputs: InputReader, path: string): StatusUpdate | undefined;
  /** Whether there is an object of the name. */
  has(inputs: Inputs, path: string): boolean;
}

function ofRoutes(kind: StatusUpdate["kind"]): StatusOfKind {
  return {
    compute: (inputs, path) => routeStatus(inputs, `${kind} ${path}`),
    has: (inputs, path) => inputs.routes.has(`${kind} ${path}`),
  };
}

function ofPolicies(kind: PolicyKind): StatusOfKind {
  return {
    compute: (inputs, path) => policyStatus(inputs, kind, path),
    has: (inputs, path) =>
      (kind === "TrafficPolicy" ? inputs.trafficPolicies : inputs.faultPolicies).get(path) !== undefined,
  };
}

function ofSecurity(kind: SecurityKind): StatusOfKind {
  return {
    compute: (inputs, path) => securityStatus(inputs, kind, path),
    has: (inputs, path) => inputs.security.get(kind, path) !== undefined,
  };
}

const kinds: Record<StatusUpdate["kind"], StatusOfKind> = {
  GatewayClass: { compute: gatewayClassStatus, has: (inputs, path) => inputs.gatewayClasses.has(path) },
  Gateway: { compute: gatewayStatus, has: (inputs, path) => inputs.gateways.has(path) },
  ExternalService: {
    compute: externalServiceStatus,
    has: (inputs, path) => inputs.externals.get(path) !== undefined,
  },
  HTTPRoute: ofRoutes("HTTPRoute"),
  GRPCRoute: ofRoutes("GRPCRoute"),
  TLSRoute: ofRoutes("TLSRoute"),
  TCPRoute: ofRoutes("TCPRoute"),
  UDPRoute: ofRoutes("UDPRoute"),
  ListenerSet: {
    compute: listenerSetStatus,
    has: (inputs, path) => inputs.listenerSets.get(path) !== undefined,
  },
  TrafficPolicy: ofPolicies("TrafficPolicy"),
  FaultPolicy: ofPolicies("FaultPolicy"),
  AuthenticationPolicy: ofSecurity("AuthenticationPolicy"),
  AuthorizationPolicy: ofSecurity("AuthorizationPolicy"),
  RateLimitPolicy: ofSecurity("RateLimitPolicy"),
  TelemetryPolicy: {
    compute: telemetryStatus,
    has: (inputs, path) => inputs.telemetry.index.get(path) !== undefined,
  },
  MeshConfig: {
    compute: meshConfigStatus,
    has: (inputs, path) => inputs.meshConfig.metadata.name === path,
  },
  BackendTLSPolicy: {
    compute: backendTlsPolicyStatus,
    has: (inputs, path) => inputs.backendTlsPolicies.get(path) !== undefined,
  },
};

export function computeStatus(inputs: InputReader, kind: string, path: string): StatusUpdate | undefined {
  return isKind(kind) ? kinds[kind].compute(inputs, path) : undefined;
}

export function hasObject(inputs: Inputs, kind: string, path: string): boolean {
  return isKind(kind) && kinds[kind].has(inputs, path);
}

function isKind(kind: string): kind is StatusUpdate["kind"] {
  return Object.hasOwn(kinds, kind);
}
