/** Which kinds are routes, which are policies, and where the API lists them. */
import { pathOf } from "../router.ts";

export type Family = "routes" | "policies";

export interface ListedKind {
  readonly kind: string;
  /** `/apis/GROUP/VERSION`. */
  readonly base: string;
  readonly plural: string;
}

const gateway = "/apis/gateway.networking.k8s.io";
const weft = "/apis/weft.dev/v1alpha1";

export const families: Readonly<Record<Family, readonly ListedKind[]>> = {
  routes: [
    { kind: "HTTPRoute", base: `${gateway}/v1`, plural: "httproutes" },
    { kind: "GRPCRoute", base: `${gateway}/v1`, plural: "grpcroutes" },
    { kind: "TLSRoute", base: `${gateway}/v1`, plural: "tlsroutes" },
    { kind: "TCPRoute", base: `${gateway}/v1`, plural: "tcproutes" },
    { kind: "UDPRoute", base: `${gateway}/v1`, plural: "udproutes" },
  ],
  policies: [
    { kind: "AuthorizationPolicy", base: weft, plural: "authorizationpolicies" },
    { kind: "AuthenticationPolicy", base: weft, plural: "authenticationpolicies" },
    { kind: "TrafficPolicy", base: weft, plural: "trafficpolicies" },
    { kind: "RateLimitPolicy", base: weft, plural: "ratelimitpolicies" },
    { kind: "FaultPolicy", base: weft, plural: "faultpolicies" },
    { kind: "TelemetryPolicy", base: weft, plural: "telemetrypolicies" },
    { kind: "BackendTLSPolicy", base: `${gateway}/v1`, plural: "backendtlspolicies" },
  ],
};

export function familyOf(kind: string): Family | undefined {
  if (families.routes.some((each) => each.kind === kind)) return "routes";
  return families.policies.some((each) => each.kind === kind) ? "policies" : undefined;
}

export function listedKind(kind: string): ListedKind | undefined {
  return [...families.routes, ...families.policies].find((each) => each.kind === kind);
}

/** The page of an object; undefined where it has none. */
export function objectPath(kind: string, namespace: string, name: string): string | undefined {
  if (kind === "Service" || kind === "ExternalService") return pathOf("services", namespace, name);
  const family = familyOf(kind);
  return family === undefined ? undefined : pathOf(family, kind, namespace, name);
}
