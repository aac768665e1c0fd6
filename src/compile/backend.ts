/** A backend of any route: the port of a Service or ExternalService behind a reference, or why there is none. */
import { gatewayGroup, weftGroup } from "../api/index.ts";
import { clusterKey, Protocol } from "../model/index.ts";
import type { ServicePortView } from "../registry/index.ts";
import { policyOf } from "./backend-tls.ts";
import { externalPort, protocolOfExternal } from "./external-resources.ts";
import type { InputReader } from "./inputs.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import type { BackendInput, RouteInput, RouteKind } from "./route-input.ts";
import { servicePort } from "./service-resources.ts";

/** Of the model's `Backend`. */
export interface ResolvedBackend {
  readonly source: {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly section: string;
  };
  readonly weight: number;
  readonly cluster?: string;
  readonly unresolved?: string;
}

interface Problem {
  readonly reason: "BackendNotFound" | "RefNotPermitted" | "InvalidKind" | "UnsupportedProtocol";
  readonly message: string;
}

/** Its message names the field. */
export type UnresolvedBackend = Problem;

/** What does not resolve keeps its share, and is added to `unresolved`. */
export function resolveBackend(
  inputs: InputReader,
  route: RouteInput,
  { backend, field }: { readonly backend: BackendInput; readonly field: string },
  unresolved: UnresolvedBackend[],
): ResolvedBackend {
  const { kind, name, port, weight } = backend;
  const namespace = backend.namespace ?? route.metadata.namespace;
  const source = { kind, namespace, name, section: port === undefined ? "" : String(port) };
  const problem = findProblem(inputs, route, backend);
  if (problem === undefined) {
    return { source, cluster: clusterKey(namespace, name, port ?? 0, transportOf(route)), weight };
  }
  unresolved.push({ reason: problem.reason, message: `${field}: ${problem.message}` });
  return { source, weight, unresolved: problem.message };
}

function findProblem(inputs: InputReader, route: RouteInput, backend: BackendInput): Problem | undefined {
  const { kind, group } = backend;
  const isExternal = kind === "ExternalService" && group === weftGroup;
  if (!isExternal && (kind !== "Service" || (group !== "" && group !== "core"))) {
    return { reason: "InvalidKind", message: `backends of kind ${kind} are not supported` };
  }
  const { namespace: from } = route.metadata;
  const namespace = backend.namespace ?? from;
  const path = `${namespace}/${backend.name}`;
  const isPermitted = inputs.isPermitted(
    { group: gatewayGroup, kind: route.kind, namespace: from },
    { group: isExternal ? weftGroup : "", kind, namespace, name: backend.name },
  );
  if (!isPermitted) {
    return {
      reason: "RefNotPermitted",
      message: `${kind} ${path} is in another namespace and nothing there permits the reference`,
    };
  }
  if (backend.port === undefined) {
    return { reason: "BackendNotFound", message: `${kind} ${path} is named without a port` };
  }
  if (isExternal) return externalProblem(inputs, route, path, backend.port);
  const service = inputs.service(path);
  if (service === undefined) return { reason: "BackendNotFound", message: `Service ${path} does not exist` };
  const transport = transportOf(route);
  const port = servicePort(service, backend.port, transport);
  if (port === undefined) {
    return { reason: "BackendNotFound", message: `Service ${path} has no ${transport} port ${backend.port}` };
  }
  return canSend(inputs, route.kind, path, port)
    ? undefined
    : {
        reason: "UnsupportedProtocol",
        message: `port ${port.port} of Service ${path} has appProtocol ${port.appProtocol}, in which a ${route.kind} sends nothing`,
      };
}

/** Names of ports are hints; what `appProtocol` says is meant. Where it means TLS, a BackendTLSPolicy has to say whose. */
function canSend(inputs: InputReader, kind: RouteKind, service: string, port: ServicePortView): boolean {
  if (port.appProtocol === undefined || (kind !== "HTTPRoute" && kind !== "GRPCRoute")) return true;
  switch (protocolOf(port)) {
    case Protocol.TCP:
      return false;
    case Protocol.TLS:
      return policyOf(inputs, service, port.name) !== undefined;
    case Protocol.HTTP:
      return kind === "HTTPRoute";
    default:
      return true;
  }
}

function transportOf({ kind }: RouteInput): "TCP" | "UDP" {
  return kind === "UDPRoute" ? "UDP" : "TCP";
}

function externalProblem(
  inputs: InputReader,
  route: RouteInput,
  path: string,
  port: number,
): Problem | undefined {
  const external = inputs.external.service(path);
  const name = `ExternalService ${path}`;
  if (external === undefined) {
    const isThere = inputs.external.written(path) !== undefined;
    const why = isThere ? "is not in force, see its status" : "does not exist";
    return { reason: "BackendNotFound", message: `${name} ${why}` };
  }
  const found = transportOf(route) === "TCP" ? externalPort(external, port) : undefined;
  if (found === undefined) {
    return { reason: "BackendNotFound", message: `${name} has no ${transportOf(route)} port ${port}` };
  }
  const isOfRequests = route.kind === "HTTPRoute" || route.kind === "GRPCRoute";
  if (isOfRequests && !canCarry(route.kind, protocolOfExternal(found))) {
    const message = `port ${port} of ${name} has protocol ${found.protocol}, in which a ${route.kind} sends nothing`;
    return { reason: "UnsupportedProtocol", message };
  }
  if (external.spec.resolution !== "None" || isParent(route, path)) return undefined;
  const message = `${name} has resolution None: where its connections go only its own clients say`;
  return { reason: "BackendNotFound", message };
}

function isParent({ metadata, spec }: RouteInput, path: string): boolean {
  return (spec.parentRefs ?? []).some(
    ({ group, kind, namespace, name }) =>
      group === weftGroup &&
      kind === "ExternalService" &&
      `${namespace ?? metadata.namespace}/${name}` === path,
  );
}
