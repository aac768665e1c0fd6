/** A backend of any route: the Service port behind a reference, or why there is none. */
import { gatewayGroup } from "../api/index.ts";
import { clusterKey } from "../model/index.ts";
import type { InputReader } from "./inputs.ts";
import type { BackendInput, RouteInput } from "./route-input.ts";
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
  readonly reason: "BackendNotFound" | "RefNotPermitted" | "InvalidKind";
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
  if (kind !== "Service" || (group !== "" && group !== "core")) {
    return { reason: "InvalidKind", message: `backends of kind ${kind} are not supported` };
  }
  const { namespace: from } = route.metadata;
  const namespace = backend.namespace ?? from;
  const path = `${namespace}/${backend.name}`;
  const isPermitted = inputs.isPermitted(
    { group: gatewayGroup, kind: route.kind, namespace: from },
    { group: "", kind: "Service", namespace, name: backend.name },
  );
  if (!isPermitted) {
    return {
      reason: "RefNotPermitted",
      message: `Service ${path} is in another namespace and nothing there permits the reference`,
    };
  }
  if (backend.port === undefined) {
    return { reason: "BackendNotFound", message: `Service ${path} is named without a port` };
  }
  const service = inputs.service(path);
  if (service === undefined) return { reason: "BackendNotFound", message: `Service ${path} does not exist` };
  const transport = transportOf(route);
  if (servicePort(service, backend.port, transport) === undefined) {
    return { reason: "BackendNotFound", message: `Service ${path} has no ${transport} port ${backend.port}` };
  }
  return undefined;
}

function transportOf({ kind }: RouteInput): "TCP" | "UDP" {
  return kind === "UDPRoute" ? "UDP" : "TCP";
}
