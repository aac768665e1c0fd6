/** How a changed object or a change of the registry becomes changed inputs, and which facts it makes dirty. */
import type { ObjectKey, Stored } from "../api/index.ts";
import { isStored, keyOf, keyText } from "../api/index.ts";
import { clusterKey, endpointKey } from "../model/index.ts";
import type { RegistryChange, RegistryViews, ServiceView } from "../registry/index.ts";
import { backendTlsFacts } from "./backend-tls-policies.ts";
import type { GatewayInput } from "./gateway-input.ts";
import { facts } from "./facts.ts";
import { type Inputs } from "./inputs.ts";
import type { KeySetChange } from "./key-sets.ts";
import { parentOfSet } from "./listener-sets.ts";
import { resourceNode } from "./resource-kinds.ts";
import { isRoute, isRouteKind } from "./route-input.ts";

/** `route <kind> <path>` and `status <kind> <path>` are nodes, marked by name since an object that is new has no dependants yet. */
export function applyObject(inputs: Inputs, object: Stored, dirty: Set<string>): void {
  const key = keyOf(object);
  const path = pathOf(key);
  if (isRoute(object)) {
    const route = keyText(key);
    if (isSameSpec(inputs.routes.get(route), object)) return;
    inputs.routes.set(route, object);
    dirty.add(`route ${route}`);
    return;
  }
  switch (object.kind) {
    case "Gateway":
      if (isSameGateway(inputs.gateways.get(path), object)) return;
      if (!inputs.gateways.has(path)) dirty.add(facts.gateways);
      inputs.gateways.set(path, object);
      break;
    case "ListenerSet":
      if (isSameSpec(inputs.listenerSets.get(path), object)) return;
      markSet(inputs, path, dirty);
      inputs.listenerSets.set(path, object);
      markSet(inputs, path, dirty);
      break;
    case "GatewayClass":
      if (isSameSpec(inputs.gatewayClasses.get(path), object)) return;
      inputs.gatewayClasses.set(path, object);
      break;
    case "Namespace":
      inputs.namespaces.set(path, object);
      break;
    case "ReferenceGrant":
      inputs.grants.set(object);
      break;
    case "ExternalService":
      if (isSameSpec(inputs.externals.get(path), object)) return;
      inputs.externals.set(object, dirty);
      break;
    case "Secret":
      inputs.setSecret(path, object);
      break;
    case "ConfigMap":
      inputs.setConfigMap(path, object);
      break;
    case "BackendTLSPolicy":
      if (isSameSpec(inputs.backendTlsPolicies.get(path), object)) return;
      inputs.backendTlsPolicies.set(path, object, dirty);
      break;
    case "TrafficPolicy":
      if (!inputs.trafficPolicies.set(object, dirty)) return;
      break;
    case "FaultPolicy":
      if (!inputs.faultPolicies.set(object, dirty)) return;
      break;
    case "AuthenticationPolicy":
    case "AuthorizationPolicy":
    case "RateLimitPolicy":
      if (!inputs.security.set(object, dirty)) return;
      break;
    case "TelemetryPolicy":
      if (!inputs.telemetry.index.set(object, dirty)) return;
      break;
    case "MeshConfig":
      if (isStored(inputs.meshConfig) && isSameSpec(inputs.meshConfig, object)) return;
      replaceMeshConfig(inputs, () => (inputs.meshConfig = object), dirty);
      break;
    default:
      // Services, workloads and endpoints come through the registry; the rest compiles to nothing.
      return;
  }
  markDirty(key, path, dirty);
}

/** Every workload depends on what it says of security, and on little else of it. */
function replaceMeshConfig(inputs: Inputs, replace: () => void, dirty: Set<string>): void {
  const { security, rateLimits } = inputs.meshConfig.spec;
  replace();
  const after = inputs.meshConfig.spec;
  if (!Bun.deepEquals([security, rateLimits], [after.security, after.rateLimits])) {
    dirty.add(facts.meshSecurity);
  }
  inputs.telemetry.setMesh(after.telemetry, dirty);
}

export function applyKeySets(inputs: Inputs, changes: readonly KeySetChange[], dirty: Set<string>): void {
  for (const { uri, document, error } of changes) {
    if (Bun.deepEquals(inputs.keySets.get(uri), { document, error })) continue;
    inputs.keySets.set(uri, { document, error });
    dirty.add(facts.keySet(uri));
  }
}

/** What no policy names any more is not kept. */
export function forgetKeySets({ keySets, security }: Inputs): void {
  for (const uri of keySets.keys()) if (!security.wantedKeySets.has(uri)) keySets.delete(uri);
}

/** Our own writes of status come back as changes; the generation counts those of everything else. */
function isSameSpec(before: Stored | undefined, after: Stored): boolean {
  return (
    before !== undefined &&
    before.metadata.uid === after.metadata.uid &&
    before.metadata.generation === after.metadata.generation
  );
}

/** Annotations mean something here, and move no generation. */
function isSameGateway(before: GatewayInput | undefined, after: GatewayInput): boolean {
  return (
    isSameSpec(before, after) && Bun.deepEquals(before?.metadata.annotations, after.metadata.annotations)
  );
}

export function removeObject(inputs: Inputs, key: ObjectKey, dirty: Set<string>): void {
  const path = pathOf(key);
  if (isRouteKind(key.kind)) {
    const route = keyText(key);
    inputs.routes.delete(route);
    dirty.add(`route ${route}`);
    return;
  }
  switch (key.kind) {
    case "Gateway":
      if (inputs.gateways.delete(path)) dirty.add(facts.gateways);
      break;
    case "ListenerSet":
      markSet(inputs, path, dirty);
      inputs.listenerSets.delete(path);
      break;
    case "GatewayClass":
      inputs.gatewayClasses.delete(path);
      break;
    case "Namespace":
      inputs.namespaces.delete(path);
      break;
    case "ReferenceGrant":
      inputs.grants.delete(key.namespace, key.name);
      break;
    case "ExternalService":
      inputs.externals.delete(path, dirty);
      break;
    case "Secret":
      inputs.deleteSecret(path);
      break;
    case "ConfigMap":
      inputs.deleteConfigMap(path);
      break;
    case "BackendTLSPolicy":
      inputs.backendTlsPolicies.delete(path, dirty);
      break;
    case "TrafficPolicy":
      inputs.trafficPolicies.delete(path, dirty);
      break;
    case "FaultPolicy":
      inputs.faultPolicies.delete(path, dirty);
      break;
    case "AuthenticationPolicy":
    case "AuthorizationPolicy":
    case "RateLimitPolicy":
      inputs.security.delete(key.kind, path, dirty);
      break;
    case "TelemetryPolicy":
      inputs.telemetry.index.delete(path, dirty);
      break;
    case "MeshConfig":
      replaceMeshConfig(inputs, () => inputs.resetMeshConfig(), dirty);
      break;
    default:
      return;
  }
  markDirty(key, path, dirty);
}

export function applyRegistryChange(
  registry: RegistryViews,
  change: RegistryChange,
  dirty: Set<string>,
): void {
  for (const path of change.services) {
    dirty.add(facts.service(path));
    // A service's ports and members may have changed, and with them what its workloads take. Those that it has left
    // read its fact; those that it has won did not.
    markEndpoints(path, dirty);
    for (const workload of registry.membersOf(path)) dirty.add(facts.memberships(workload));
  }
  for (const path of change.workloads) dirty.add(facts.workload(path)).add(facts.memberships(path));
  for (const path of change.endpoints) {
    const members = change.changedMembers.get(path);
    if (members === undefined) {
      markEndpoints(path, dirty);
      continue;
    }
    dirty.add(facts.endpoints(path));
    if (members.isSetChanged) dirty.add(facts.members(path));
    for (const node of endpointNodes(registry.service(path), members.workloads)) dirty.add(node);
  }
  for (const ip of change.addresses) dirty.add(facts.address(ip));
}

function markEndpoints(service: string, dirty: Set<string>): void {
  dirty.add(facts.endpoints(service)).add(facts.members(service)).add(facts.anyEndpoint(service));
}

/** Named, not depended on: a fact for each endpoint would be as many facts as there are endpoints. */
function* endpointNodes(service: ServiceView | undefined, workloads: Iterable<string>): Iterable<string> {
  for (const { port, transport } of service?.ports ?? []) {
    if (transport !== "TCP" && transport !== "UDP") continue;
    const cluster = clusterKey(service?.namespace ?? "", service?.name ?? "", port, transport);
    for (const workload of workloads)
      yield resourceNode({ kind: "Endpoint", key: endpointKey(cluster, workload) });
  }
}

/** The Gateway that the set names at the moment: a change may take it from one to another. */
function markSet(inputs: Inputs, path: string, dirty: Set<string>): void {
  const set = inputs.listenerSets.get(path);
  const parent = set === undefined ? undefined : parentOfSet(set);
  if (parent !== undefined) dirty.add(facts.listenerSetsOf(parent));
}

function markDirty(key: ObjectKey, path: string, dirty: Set<string>): void {
  switch (key.kind) {
    case "Gateway":
      dirty.add(facts.gateway(path)).add(`status Gateway ${path}`);
      break;
    case "GatewayClass":
      dirty.add(facts.gatewayClass(path)).add(`status GatewayClass ${path}`);
      break;
    case "Namespace":
      dirty.add(facts.namespace(path));
      break;
    case "ReferenceGrant":
      dirty.add(facts.grants(key.namespace));
      break;
    case "ExternalService":
      dirty.add(`status ExternalService ${path}`);
      break;
    case "Secret":
      dirty.add(facts.secret(path));
      break;
    case "ConfigMap":
      dirty.add(facts.configMap(path));
      break;
    case "ListenerSet":
      dirty.add(facts.listenerSet(path)).add(`status ListenerSet ${path}`);
      break;
    case "BackendTLSPolicy":
      dirty.add(backendTlsFacts.policy(path)).add(`status BackendTLSPolicy ${path}`);
      break;
    case "TrafficPolicy":
    case "FaultPolicy":
    case "AuthenticationPolicy":
    case "AuthorizationPolicy":
    case "RateLimitPolicy":
    case "TelemetryPolicy":
      dirty.add(`status ${key.kind} ${path}`);
      break;
    case "MeshConfig":
      dirty.add(facts.meshConfig).add(`status MeshConfig ${path}`);
      break;
    default:
      break;
  }
}

/** "namespace/name", or the name of what lives in no namespace. */
function pathOf(key: ObjectKey): string {
  return key.namespace === "" ? key.name : `${key.namespace}/${key.name}`;
}
