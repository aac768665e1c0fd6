/** Every kind of resource: one line each. The types of objects, and how to find a kind by its names, follow from it. */
import type { Issue } from "../kernel/index.ts";
import { authenticationPolicyKind } from "./authentication-policy.ts";
import { authorizationPolicyKind } from "./authorization-policy.ts";
import { backendTlsPolicyKind } from "./backend-tls-policy.ts";
import { childOf } from "./field-path.ts";
import { clusterRoleBindingKind } from "./cluster-role-binding.ts";
import { clusterRoleKind } from "./cluster-role.ts";
import { configRolloutKind } from "./config-rollout.ts";
import { configMapKind } from "./config-map.ts";
import { endpointSliceKind } from "./endpoint-slice.ts";
import { externalServiceKind } from "./external-service.ts";
import { faultPolicyKind } from "./fault-policy.ts";
import { gatewayKind } from "./gateway.ts";
import { gatewayClassKind } from "./gateway-class.ts";
import { grpcRouteKind } from "./grpc-route.ts";
import { httpRouteKind } from "./http-route.ts";
import type { ObjectOfDefinition, ParseMode, Validated } from "./kind-definition.ts";
import { listenerSetKind } from "./listener-set.ts";
import { meshConfigKind } from "./mesh-config.ts";
import { meshWorkloadKind } from "./mesh-workload.ts";
import type { StoredMetadata } from "./metadata.ts";
import { namespaceKind } from "./namespace.ts";
import { isRecord } from "./plain-json.ts";
import { rateLimitPolicyKind } from "./rate-limit-policy.ts";
import { referenceGrantKind } from "./reference-grant.ts";
import { roleBindingKind } from "./role-binding.ts";
import { roleKind } from "./role.ts";
import { secretKind } from "./secret.ts";
import { serviceKind } from "./service.ts";
import { serviceAccountKind } from "./service-account.ts";
import { tcpRouteKind } from "./tcp-route.ts";
import { telemetryPolicyKind } from "./telemetry-policy.ts";
import { tlsRouteKind } from "./tls-route.ts";
import { trafficPolicyKind } from "./traffic-policy.ts";
import { udpRouteKind } from "./udp-route.ts";

export const kinds = {
  Namespace: namespaceKind,
  Service: serviceKind,
  ServiceAccount: serviceAccountKind,
  EndpointSlice: endpointSliceKind,
  Secret: secretKind,
  ConfigMap: configMapKind,
  MeshWorkload: meshWorkloadKind,
  ExternalService: externalServiceKind,
  GatewayClass: gatewayClassKind,
  Gateway: gatewayKind,
  HTTPRoute: httpRouteKind,
  GRPCRoute: grpcRouteKind,
  TLSRoute: tlsRouteKind,
  TCPRoute: tcpRouteKind,
  UDPRoute: udpRouteKind,
  ListenerSet: listenerSetKind,
  ReferenceGrant: referenceGrantKind,
  BackendTLSPolicy: backendTlsPolicyKind,
  TrafficPolicy: trafficPolicyKind,
  FaultPolicy: faultPolicyKind,
  AuthenticationPolicy: authenticationPolicyKind,
  AuthorizationPolicy: authorizationPolicyKind,
  RateLimitPolicy: rateLimitPolicyKind,
  TelemetryPolicy: telemetryPolicyKind,
  MeshConfig: meshConfigKind,
  ConfigRollout: configRolloutKind,
  Role: roleKind,
  ClusterRole: clusterRoleKind,
  RoleBinding: roleBindingKind,
  ClusterRoleBinding: clusterRoleBindingKind,
} as const;

export type KindName = keyof typeof kinds;
export type ObjectOfKind<K extends KindName> = ObjectOfDefinition<(typeof kinds)[K]>;
/** Any resource; `kind` tells which. Defaults are filled in. */
export type ApiObject = { [K in KindName]: ObjectOfKind<K> }[KindName];

export type Service = ObjectOfKind<"Service">;
export type EndpointSlice = ObjectOfKind<"EndpointSlice">;
export type MeshWorkload = ObjectOfKind<"MeshWorkload">;
export type ExternalService = ObjectOfKind<"ExternalService">;
export type ConfigRollout = ObjectOfKind<"ConfigRollout">;
export type MeshConfig = ObjectOfKind<"MeshConfig">;

/** An object as the store holds it: the server's metadata is there. */
export type Stored<T extends ApiObject = ApiObject> = T & { readonly metadata: StoredMetadata };
export type StoredOfKind<K extends KindName> = Stored<ObjectOfKind<K>>;

/** Whether the server's metadata is there. */
export function isStored<T extends ApiObject>(object: T): object is Stored<T> {
  const { uid, resourceVersion, generation, creationTimestamp } = object.metadata;
  return (
    uid !== undefined &&
    resourceVersion !== undefined &&
    generation !== undefined &&
    creationTimestamp !== undefined
  );
}

export function isOfKind<K extends KindName>(object: Stored, kind: K): object is StoredOfKind<K> & Stored {
  return object.kind === kind;
}

export function isKindName(name: string): name is KindName {
  return Object.hasOwn(kinds, name);
}

export const kindNames: readonly KindName[] = Object.keys(kinds).filter(isKindName);

/** By kind, plural, singular or short name, in any case; `plural.group` too. */
export function findKind(name: string): KindName | undefined {
  const wanted = name.toLowerCase();
  return kindNames.find((kindName) => {
    const { kind, plural, singular, shortNames, group } = kinds[kindName];
    const names: readonly string[] = [kind.toLowerCase(), plural, singular, ...shortNames];
    return names.includes(wanted) || wanted === `${plural}.${group}`;
  });
}

export function apiVersionOf(kind: KindName): string {
  const { group, version } = kinds[kind];
  return group === "" ? version : `${group}/${version}`;
}

/** Fills in defaults and checks everything. All issues are reported at once. */
export function parseObject(input: unknown, mode: ParseMode): Validated<ApiObject> {
  const named = kindOf(input);
  if ("issues" in named) return named;
  return kinds[named.kind].validate(named.converted ?? input, mode);
}

function kindOf(input: unknown): { kind: KindName; converted?: unknown } | { issues: Issue[] } {
  if (!isRecord(input))
    return { issues: [{ path: "", message: "must be an object with apiVersion, kind and metadata" }] };
  const kind = childOf(input, "kind");
  const apiVersion = childOf(input, "apiVersion");
  const issues: Issue[] = [];
  if (typeof kind !== "string")
    issues.push({ path: "kind", message: kind === undefined ? "is required" : "must be text" });
  if (typeof apiVersion !== "string") {
    issues.push({ path: "apiVersion", message: apiVersion === undefined ? "is required" : "must be text" });
  }
  if (typeof kind !== "string" || typeof apiVersion !== "string") return { issues };
  if (!isKindName(kind)) {
    return {
      issues: [
        { path: "kind", message: `unknown kind ${kind.slice(0, 64)}; known are ${kindNames.join(", ")}` },
      ],
    };
  }
  const expected = apiVersionOf(kind);
  if (apiVersion === expected) return { kind };
  const older = olderVersions[kind]?.some((version) => apiVersion === `${kinds[kind].group}/${version}`);
  return older === true
    ? { kind, converted: { ...input, apiVersion: expected } }
    : { issues: [{ path: "apiVersion", message: `must be ${expected} for ${kind}` }] };
}

/** Versions that Gateway API still serves and whose objects are the same as today's: they are taken as these. */
const olderVersions: Partial<Record<KindName, readonly string[]>> = {
  GatewayClass: ["v1beta1"],
  Gateway: ["v1beta1"],
  HTTPRoute: ["v1beta1"],
  TLSRoute: ["v1alpha3"],
  ReferenceGrant: ["v1beta1"],
  BackendTLSPolicy: ["v1alpha3"],
};

/** The kind's own version first, then older ones that are taken as it. */
export function servedVersions(kind: KindName): readonly string[] {
  return [kinds[kind].version, ...(olderVersions[kind] ?? [])];
}

/** What the kind does not allow to change between two states of one object. */
export function changeIssues(before: ApiObject, after: ApiObject): readonly Issue[] {
  return kinds[after.kind].changeIssues(before, after);
}

/** One cell per printer column of the object's kind. */
export function printerCells(object: ApiObject): string[] {
  return kinds[object.kind].cells(object);
}
