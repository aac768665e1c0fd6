/** Outputs that follow from the registry alone: names, addresses, clusters and their endpoints. */
import { formatSpiffeId } from "../kernel/index.ts";
import {
  AddressSchema,
  ClusterSchema,
  EndpointSchema,
  endpointKey,
  Health,
  NameSchema,
  Protocol,
  Tunnel,
} from "../model/index.ts";
import type {
  EndpointView,
  ServicePortView,
  ServiceView,
  TunnelView,
  WorkloadHealth,
} from "../registry/index.ts";
import type { InputReader } from "./inputs.ts";
import { clusterPolicy } from "./policy/effective-policy.ts";
import { protocolNamed, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource, sortedRecord } from "./resource.ts";

/** Virtual IPs stay with their service; a headless service's addresses come and go with its workloads. */
const virtualTtlSeconds = 30;
const headlessTtlSeconds = 5;
/** Within a network that the mesh spans, a peer that does not answer in this time is not there. */
const connectTimeoutMs = 5_000;
/** Longer than the pauses of ordinary clients, shorter than the 350 s after which common NAT tables forget. */
const idleTimeoutMs = 90_000;
/** Bounds what one proxy can do to one instance: an application's accept queue is mostly 128 to 4096. */
const maxConnectionsPerEndpoint = 1_024;
const maxPendingRequests = 1_024;

interface ServicePortKey {
  readonly service: string;
  readonly port: number;
  readonly transport: "TCP" | "UDP";
}

/** As `clusterKey` writes it. */
function parseClusterKey(key: string): ServicePortKey | undefined {
  const groups = /^(?<service>[^/:]+\/[^/:]+):(?<port>[1-9]\d{0,4})(?<udp>@udp)?$/.exec(key)?.groups;
  if (groups === undefined) return undefined;
  const transport = groups["udp"] === undefined ? "TCP" : "UDP";
  return { service: groups["service"] ?? "", port: Number(groups["port"]), transport };
}

/** The port as TCP: routes and clusters have no meaning for datagrams. */
export function tcpPort(service: ServiceView | undefined, port: number): ServicePortView | undefined {
  return servicePort(service, port, "TCP");
}

/** Ports of UDP are backends of UDPRoutes and nothing else. */
export function servicePort(
  service: ServiceView | undefined,
  port: number,
  transport: "TCP" | "UDP",
): ServicePortView | undefined {
  return service?.ports.find((entry) => entry.port === port && entry.transport === transport);
}

export function hostOf(service: ServiceView, domainSuffix: string): string {
  return `${service.name}.${service.namespace}.svc.${domainSuffix}`;
}

export function compileName(inputs: InputReader, key: string): CompiledResource | undefined {
  const suffix = `.svc.${inputs.domainSuffix}`;
  if (!key.endsWith(suffix)) return undefined;
  const [name, namespace, ...rest] = key.slice(0, -suffix.length).split(".");
  if (name === undefined || namespace === undefined || rest.length > 0) return undefined;
  const service = inputs.service(`${namespace}/${name}`);
  if (service === undefined) return undefined;
  const addresses = service.isHeadless ? memberAddresses(inputs, service) : service.addresses;
  return encodeResource({ kind: "Name", key }, NameSchema, {
    source: { kind: "Service", namespace, name },
    addresses: [...addresses],
    ttlSeconds: service.isHeadless ? headlessTtlSeconds : virtualTtlSeconds,
  });
}

function memberAddresses(inputs: InputReader, service: ServiceView): string[] {
  const addresses = service.ports.flatMap((port) =>
    inputs
      .endpoints(service.path, port.port, port.transport === "UDP" ? "UDP" : "TCP")
      .flatMap((endpoint) => (endpoint.health === "live" ? [endpoint.address] : [])),
  );
  return [...new Set(addresses)].toSorted();
}

export function compileAddress(inputs: InputReader, key: string): CompiledResource | undefined {
  const owner = inputs.addressOwner(key);
  if (owner === undefined) return undefined;
  if (owner.kind === "service") {
    const { namespace, name, ports } = owner.service;
    return encodeResource({ kind: "Address", key }, AddressSchema, {
      source: { kind: "Service", namespace, name },
      target: {
        case: "service",
        value: {
          namespace,
          name,
          ports: ports.flatMap((port) =>
            port.transport === "TCP"
              ? [{ port: port.port, name: port.name, protocol: protocolOf(port) }]
              : [],
          ),
        },
      },
    });
  }
  const workload = owner.workload;
  return encodeResource({ kind: "Address", key }, AddressSchema, {
    source: { kind: "MeshWorkload", namespace: workload.namespace, name: workload.name },
    target: {
      case: "workload",
      value: {
        workload: workload.path,
        identity: identityOf(inputs.trustDomain, workload.namespace, workload.serviceAccount),
        ...tunnelFields(workload.tunnel),
        ports: workload.ports.map(({ port, name, protocol }) => ({
          port,
          name,
          protocol: protocolNamed(protocol),
        })),
        labels: sortedRecord(workload.labels),
      },
    },
  });
}

export function compileCluster(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseClusterKey(key);
  const service = parsed === undefined ? undefined : inputs.service(parsed.service);
  const port = parsed === undefined ? undefined : servicePort(service, parsed.port, parsed.transport);
  if (service === undefined || port === undefined) return undefined;
  const { namespace, name } = service;
  const policy = clusterPolicy(inputs, service, port);
  return encodeResource({ kind: "Cluster", key }, ClusterSchema, {
    source: { kind: "Service", namespace, name, section: port.name },
    namespace,
    service: name,
    port: port.port,
    protocol: port.transport === "UDP" ? Protocol.UDP : protocolOf(port),
    connectTimeoutMs,
    idleTimeoutMs,
    maxConnectionsPerEndpoint,
    maxPendingRequests,
    proxyProtocol: port.transport === "UDP" ? 0 : service.proxyProtocol,
    ...(port.transport === "UDP" ? overDatagrams(policy) : policy),
  });
}

/** Nothing is known of answers, and a check over TCP would say that nobody is there. */
function overDatagrams({ balancing, locality }: ReturnType<typeof clusterPolicy>) {
  return {
    ...(balancing === undefined ? {} : { balancing }),
    ...(locality === undefined ? {} : { locality }),
  };
}

/** `<cluster>/<workload>`, where the workload is "namespace/name". */
function parseEndpointKey(key: string): { cluster: string; workload: string } | undefined {
  const groups = /^(?<cluster>[^/]+\/[^/]+)\/(?<workload>.+)$/.exec(key)?.groups;
  return groups === undefined
    ? undefined
    : { cluster: groups["cluster"] ?? "", workload: groups["workload"] ?? "" };
}

export function compileEndpoint(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseEndpointKey(key);
  const cluster = parsed === undefined ? undefined : parseClusterKey(parsed.cluster);
  if (parsed === undefined || cluster === undefined) return undefined;
  const endpoint = inputs
    .endpoints(cluster.service, cluster.port, cluster.transport)
    .find((candidate) => candidate.workload === parsed.workload);
  if (endpoint === undefined) return undefined;
  // A hop between proxies carries streams: datagrams go to the endpoint itself, as it is.
  const reached = cluster.transport === "UDP" ? { ...endpoint, tunnel: withoutTunnel } : endpoint;
  return encodeEndpoint(inputs.trustDomain, parsed.cluster, reached);
}

const withoutTunnel: TunnelView = { kind: "none", address: "", port: 0 };

/** Keys of the endpoints of a cluster, sorted. */
export function compileMembers(inputs: InputReader, cluster: string): string[] {
  const parsed = parseClusterKey(cluster);
  if (parsed === undefined) return [];
  const { service, port, transport } = parsed;
  if (servicePort(inputs.service(service), port, transport) === undefined) return [];
  return inputs
    .endpoints(service, port, transport)
    .map((endpoint) => endpointKey(cluster, endpoint.workload))
    .toSorted();
}

function encodeEndpoint(trustDomain: string, cluster: string, endpoint: EndpointView): CompiledResource {
  const [namespace = "", name = ""] = endpoint.workload.split("/");
  const hasIdentity = endpoint.tunnel.kind !== "none";
  return encodeResource({ kind: "Endpoint", key: endpointKey(cluster, endpoint.workload) }, EndpointSchema, {
    source: { kind: endpoint.serviceAccount === "" ? "EndpointSlice" : "MeshWorkload", namespace, name },
    cluster,
    workload: endpoint.workload,
    address: endpoint.address,
    port: endpoint.port,
    identity: hasIdentity ? identityOf(trustDomain, namespace, endpoint.serviceAccount) : "",
    ...tunnelFields(endpoint.tunnel),
    weight: 1,
    health: healths[endpoint.health],
    version: endpoint.version,
    zone: endpoint.zone,
    region: endpoint.region,
  });
}

const healths: Record<WorkloadHealth, Health> = {
  live: Health.HEALTHY,
  draining: Health.DRAINING,
  lost: Health.UNHEALTHY,
};

export function identityOf(trustDomain: string, namespace: string, serviceAccount: string): string {
  return formatSpiffeId({ trustDomain, namespace, serviceAccount });
}

function tunnelFields(tunnel: TunnelView) {
  return tunnel.kind === "weft"
    ? { tunnel: Tunnel.WEFT, tunnelAddress: tunnel.address, tunnelPort: tunnel.port }
    : { tunnel: Tunnel.NONE };
}
