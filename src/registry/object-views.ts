/** From resources as operators and proxies write them to the registry's views. */
import {
  type EndpointSlice,
  type MeshWorkload,
  metricsPlace,
  proxyProtocolAnnotation,
  type Service,
} from "../api/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import type { EndpointView, ServicePortView, ServiceView, WorkloadHealth, WorkloadView } from "./view.ts";

export function serviceView(service: Service): ServiceView {
  const { spec, metadata } = service;
  const selector = spec.selector ?? {};
  const isHeadless = spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None";
  const written = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  return {
    path: `${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    // An empty selector selects nothing in Kubernetes either: its endpoints come from slices.
    selector: Object.keys(selector).length === 0 ? undefined : selector,
    addresses: written.flatMap((address) => canonicalIp(address) ?? []),
    isHeadless,
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    proxyProtocol: proxyProtocolVersion(metadata.annotations?.[proxyProtocolAnnotation]),
    ports: spec.ports.map((port) => ({
      port: port.port,
      name: port.name ?? "",
      transport: port.protocol,
      appProtocol: port.appProtocol,
      targetPort: port.targetPort ?? port.port,
    })),
  };
}

/** Other values are refused when they are written. */
function proxyProtocolVersion(text: string | undefined): 0 | 1 | 2 {
  if (text === "v1") return 1;
  return text === "v2" ? 2 : 0;
}

export function workloadView(workload: MeshWorkload, health: WorkloadHealth): WorkloadView {
  const { spec, metadata } = workload;
  const addresses = spec.addresses.flatMap((address) => canonicalIp(address) ?? []);
  const tunnelAddress = spec.tunnel.address === undefined ? undefined : canonicalIp(spec.tunnel.address);
  return {
    path: `${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace,
    name: metadata.name,
    serviceAccount: spec.serviceAccount,
    labels: metadata.labels ?? {},
    addresses,
    ports: spec.ports.map(({ port, name, protocol }) => ({ port, name: name ?? "", protocol })),
    tunnel: { kind: spec.tunnel.type, address: tunnelAddress ?? addresses[0] ?? "", port: spec.tunnel.port },
    region: spec.locality.region ?? "",
    zone: spec.locality.zone ?? "",
    metrics: metricsPlace(metadata.annotations, spec.ports),
    health,
  };
}

/** Undefined where the workload has no port of that name: then it is no endpoint of this service port. */
export function workloadEndpoint(workload: WorkloadView, port: ServicePortView): EndpointView | undefined {
  const { targetPort } = port;
  const number =
    typeof targetPort === "number"
      ? targetPort
      : workload.ports.find((entry) => entry.name === targetPort)?.port;
  return number === undefined ? undefined : endpointAt(workload, workload.addresses[0] ?? "", number);
}

export function endpointAt(workload: WorkloadView, address: string, port: number): EndpointView {
  return {
    workload: workload.path,
    address,
    port,
    serviceAccount: workload.serviceAccount,
    tunnel: workload.tunnel,
    health: workload.health,
    version: versionOf(workload.labels),
    region: workload.region,
    zone: workload.zone,
  };
}

export interface SliceAddress {
  readonly address: string;
  readonly health: WorkloadHealth;
  readonly zone: string;
}

export interface SliceView {
  readonly path: string;
  readonly namespace: string;
  /** Path of the service that it belongs to. */
  readonly service: string;
  readonly addresses: readonly SliceAddress[];
  readonly ports: readonly { readonly name: string; readonly port: number | undefined }[];
}

/** Undefined where it names no service, or names to look up instead of addresses. */
export function sliceView(slice: EndpointSlice, service: string | undefined): SliceView | undefined {
  const { metadata } = slice;
  if (service === undefined || slice.addressType === "FQDN") return undefined;
  return {
    path: `${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace,
    service: `${metadata.namespace}/${service}`,
    addresses: slice.endpoints.flatMap((endpoint) => {
      const address = canonicalIp(endpoint.addresses[0] ?? "");
      if (address === undefined) return [];
      return [{ address, health: sliceHealth(endpoint.conditions ?? {}), zone: endpoint.zone ?? "" }];
    }),
    ports: slice.ports.map(({ name, port }) => ({ name: name ?? "", port })),
  };
}

/** Undefined where the slice has no such port. */
export function slicePortNumber(slice: SliceView, port: ServicePortView): number | undefined {
  const entry = slice.ports.find(({ name }) => name === port.name);
  if (entry === undefined) return undefined;
  return entry.port ?? (typeof port.targetPort === "number" ? port.targetPort : port.port);
}

/** Of an address that is no workload's: nothing proves who is there, so nothing is expected of it and nothing is tunnelled. */
export function foreignEndpoint(slice: SliceView, entry: SliceAddress, port: number): EndpointView {
  return {
    workload: `${slice.namespace}/${entry.address}`,
    address: entry.address,
    port,
    serviceAccount: "",
    tunnel: { kind: "none", address: "", port: 0 },
    health: entry.health,
    version: "",
    region: "",
    zone: entry.zone,
  };
}

function sliceHealth(conditions: {
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}): WorkloadHealth {
  if (conditions.terminating === true) return conditions.serving === true ? "draining" : "lost";
  return (conditions.ready ?? true) ? "live" : "lost";
}

/** Which version of its program a workload runs; empty: no label says. */
export function versionOf(labels: Readonly<Record<string, string>>): string {
  return labels["app.kubernetes.io/version"] ?? labels["version"] ?? "";
}
