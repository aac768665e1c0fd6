/** The places where something is asked, by what policies for them may be aimed at. */
import { meshConfigName } from "../../api/index.ts";
import type { ServicePortView, WorkloadView } from "../../registry/index.ts";
import type { InputReader } from "../inputs.ts";
import type { TargetReference } from "./security-input.ts";
import { levels, type Place, type Spot } from "./aimed-policies.ts";

const meshSpot: Spot = {
  level: levels.mesh,
  kind: "MeshConfig",
  namespace: "",
  name: meshConfigName,
  sections: [],
};

function namespaceSpot(namespace: string): Spot {
  return { level: levels.namespace, kind: "Namespace", namespace, name: namespace, sections: [] };
}

/** By path of a service: names of its ports that send to one port of a workload. */
export type ServicesOfPort = ReadonlyMap<string, readonly string[]>;

/** Ports of a workload that it declares or that services send to, of TCP. */
export function portsOf(inputs: InputReader, workload: WorkloadView): Map<number, ServicesOfPort> {
  const ports = new Map<number, Map<string, string[]>>(workload.ports.map(({ port }) => [port, new Map()]));
  for (const path of inputs.servicesOf(workload.path)) {
    for (const servicePort of inputs.service(path)?.ports ?? []) {
      const target = targetPortOf(workload, servicePort);
      if (target === undefined) continue;
      const services = ports.get(target) ?? new Map<string, string[]>();
      services.set(path, [...(services.get(path) ?? []), servicePort.name]);
      ports.set(target, services);
    }
  }
  return ports;
}

/** Undefined where it sends to no port of the workload. */
export function targetPortOf(
  workload: Pick<WorkloadView, "ports">,
  { transport, targetPort }: ServicePortView,
): number | undefined {
  if (transport !== "TCP") return undefined;
  return typeof targetPort === "number"
    ? targetPort
    : workload.ports.find((port) => port.name === targetPort)?.port;
}

export function workloadPlace(workload: WorkloadView): Place {
  return { spots: [meshSpot, namespaceSpot(workload.namespace)], workload };
}

export function portPlace(workload: WorkloadView, services: ServicesOfPort): Place {
  const { spots } = workloadPlace(workload);
  const ofServices = [...services].map(([path, sections]): Spot => {
    const [namespace = "", name = ""] = path.split("/");
    return { level: levels.workload, kind: "Service", namespace, name, sections };
  });
  return { spots: [...spots, ...ofServices], workload };
}

/** `gateway`: "namespace/name". */
export function listenerPlace(gateway: string, listener: string): Place {
  const [namespace = "", name = ""] = gateway.split("/");
  const own: Spot = { level: levels.workload, kind: "Gateway", namespace, name, sections: [listener] };
  return { spots: [meshSpot, namespaceSpot(namespace), own] };
}

export function rulePlace(
  kind: "HTTPRoute" | "GRPCRoute",
  namespace: string,
  name: string,
  rule: string,
): Place {
  return { spots: [{ level: levels.route, kind, namespace, name, sections: [rule] }] };
}

/** A target of a policy among the spots that are farther away from what it is about. */
export interface TargetSpots {
  readonly farther: readonly Spot[];
  readonly own: Spot;
}

export function spotsOfTarget(
  inputs: InputReader,
  namespace: string,
  { kind, name, sectionName }: TargetReference,
): TargetSpots {
  const sections = sectionName === undefined ? [] : [sectionName];
  switch (kind) {
    case "MeshConfig":
      return { farther: [], own: meshSpot };
    case "Namespace":
      return { farther: [meshSpot], own: namespaceSpot(namespace) };
    case "Service":
    case "Gateway":
      return {
        farther: [meshSpot, namespaceSpot(namespace)],
        own: { level: levels.workload, kind, namespace, name, sections },
      };
    case "HTTPRoute":
    case "GRPCRoute":
      return {
        farther: spotsOfGateways(inputs, kind, `${namespace}/${name}`),
        own: { level: levels.route, kind, namespace, name, sections },
      };
  }
}

/** Of workloads that are chosen by labels. */
export function spotsOfNamespace(namespace: string): readonly Spot[] {
  return [meshSpot, namespaceSpot(namespace)];
}

/** Those whose listeners ask before the route does. */
function spotsOfGateways(inputs: InputReader, kind: "HTTPRoute" | "GRPCRoute", path: string): Spot[] {
  const route = inputs.route(kind, path);
  const spots = (route?.spec.parentRefs ?? []).flatMap((parent): Spot[] => {
    if (parent.kind !== "Gateway") return [];
    const namespace = parent.namespace ?? route?.metadata.namespace ?? "";
    const { sectionName } = parent;
    const sections = sectionName === undefined ? [] : [sectionName];
    const own: Spot = { level: levels.workload, kind: "Gateway", namespace, name: parent.name, sections };
    return [namespaceSpot(namespace), own];
  });
  return [meshSpot, ...spots];
}
