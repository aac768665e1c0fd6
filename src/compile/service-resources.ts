/** Names, addresses, clusters and their endpoints: of Services from the registry alone; those of ExternalServices are beside it. */
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
import { backendTls } from "./backend-tls.ts";
import { clusterBounds, type OwnClusterContent } from "./cluster-bounds.ts";
import {
  compileExternalAddress,
  compileExternalEndpoint,
  compileExternalName,
  externalCluster,
  externalMembers,
} from "./external-resources.ts";
import type { InputReader } from "./inputs.ts";
import { clusterPolicy } from "./policy/effective-policy.ts";
import { protocolNamed, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource, sortedRecord } from "./resource.ts";
import { isPlaintext, isPlaintextEverywhere } from "./security/mtls.ts";

/** Virtual IPs stay with their service; a headless service's addresses come and go with its workloads. */
const virtualTtlSeconds = 30;
const headlessTtlSeconds = 5;

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
  if (!isWithin(key, inputs.domainSuffix)) return compileExternalName(inputs, key);
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

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

function memberAddresses(inputs: InputReader, service: ServiceView): string[] {
  const addresses = service.ports.flatMap((port) =>
    inputs.endpoints
      .all(service.path, port.port, port.transport === "UDP" ? "UDP" : "TCP")
      .flatMap((endpoint) => (endpoint.health === "live" ? [endpoint.address] : [])),
  );
  return [...new Set(addresses)].toSorted();
}

export function compileAddress(inputs: InputReader, key: string): CompiledResource | undefined {
  const owner = inputs.addressOwner(key);
  if (owner === undefined) return compileExternalAddress(inputs, key);
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
        ...tunnelFields(isPlaintextEverywhere(inputs, workload) ? withoutTunnel : workload.tunnel),
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
  const content = parsed === undefined ? undefined : clusterContent(inputs, parsed);
  if (parsed === undefined || content === undefined) return undefined;
  const { section, ...target } = content.source;
  const policy = clusterPolicy(inputs, target, { name: section, port: parsed.port });
  return encodeResource({ kind: "Cluster", key }, ClusterSchema, {
    ...clusterBounds,
    ...content,
    ...(parsed.transport === "UDP" ? overDatagrams(policy) : policy),
  });
}

/** What follows from the Service or ExternalService itself. */
function clusterContent(
  inputs: InputReader,
  { service: path, port, transport }: ServicePortKey,
): OwnClusterContent | undefined {
  const external = inputs.external.service(path);
  if (external !== undefined) {
    return transport === "UDP" ? undefined : externalCluster(inputs, external, port);
  }
  const service = inputs.service(path);
  const found = servicePort(service, port, transport);
  if (service === undefined || found === undefined) return undefined;
  const { namespace, name } = service;
  return {
    source: { kind: "Service", namespace, name, section: found.name },
    namespace,
    service: name,
    port,
    protocol: transport === "UDP" ? Protocol.UDP : protocolOf(found),
    proxyProtocol: transport === "UDP" ? 0 : service.proxyProtocol,
    ...tlsField(inputs, path, found.name),
  };
}

/** Nothing is known of answers, and a check over TCP would say that nobody is there. */
function overDatagrams({ balancing, locality }: ReturnType<typeof clusterPolicy>) {
  return {
    ...(balancing === undefined ? {} : { balancing }),
    ...(locality === undefined ? {} : { locality }),
  };
}

function tlsField(inputs: InputReader, service: string, port: string) {
  const tls = backendTls(inputs, service, port);
  return tls === undefined ? {} : { tls };
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
  const external = inputs.external.service(cluster.service);
  if (external !== undefined) return compileExternalEndpoint(parsed, external, cluster.port);
  const { service, port, transport } = cluster;
  const endpoint = inputs.endpoints.one(service, port, parsed.workload, transport);
  if (endpoint === undefined) return undefined;
  // A hop between proxies carries streams: datagrams go to the endpoint itself, as it is.
  const isBare = cluster.transport === "UDP" || isPlaintext(inputs, endpoint.workload, endpoint.port);
  const reached = isBare ? { ...endpoint, tunnel: withoutTunnel } : endpoint;
  return encodeEndpoint(inputs.trustDomain, parsed.cluster, reached);
}

const withoutTunnel: TunnelView = { kind: "none", address: "", port: 0 };

/** Keys of the endpoints of a cluster, sorted. */
export function compileMembers(inputs: InputReader, cluster: string): string[] {
  const parsed = parseClusterKey(cluster);
  if (parsed === undefined) return [];
  const { service, port, transport } = parsed;
  const external = inputs.external.service(service);
  if (external !== undefined) return transport === "UDP" ? [] : externalMembers(cluster, external, port);
  if (servicePort(inputs.service(service), port, transport) === undefined) return [];
  return inputs.endpoints
    .names(service, port, transport)
    .map((workload) => endpointKey(cluster, workload))
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
