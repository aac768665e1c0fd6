/** What an ExternalService compiles to. Its keys are written as those of Services; `source` tells them apart. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { canonicalIp } from "../kernel/index.ts";
import {
  AddressSchema,
  type DnsHostSchema,
  EndpointSchema,
  endpointKey,
  Health,
  NameSchema,
  Protocol,
  type ServiceTargetSchema,
  Tunnel,
} from "../model/index.ts";
import type { OwnClusterContent } from "./cluster-bounds.ts";
import { type ExternalServiceInput, virtualAddressesOf } from "./external-services.ts";
import { externalTls } from "./external-tls.ts";
import { coversHostname } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { pathOf } from "./object-path.ts";
import type { OutboundTarget } from "./outbound-target.ts";
import { type CompiledResource, compareText, encodeResource } from "./resource.ts";

type ExternalPort = ExternalServiceInput["spec"]["ports"][number];
type ExternalEndpoint = ExternalServiceInput["spec"]["endpoints"][number];
type TargetContent = MessageInitShape<typeof ServiceTargetSchema>;

/** A host may change hands: then names lead elsewhere, and programs must hear of it. */
const ttlSeconds = 30;

const protocols: Record<ExternalPort["protocol"], Protocol> = {
  HTTP: Protocol.HTTP,
  HTTP2: Protocol.HTTP2,
  GRPC: Protocol.GRPC,
  // The program encrypts: nothing of it is read but the server name.
  HTTPS: Protocol.TLS,
  TLS: Protocol.TLS,
  TCP: Protocol.TCP,
};

export function protocolOfExternal({ protocol }: ExternalPort): Protocol {
  return protocols[protocol];
}

export function externalPort(
  external: ExternalServiceInput | undefined,
  port: number,
): ExternalPort | undefined {
  return external?.spec.ports.find((each) => each.port === port);
}

/** Hosts that it has, of those that it claims; as it writes them. */
function ownHosts(inputs: InputReader, external: ExternalServiceInput): string[] {
  const path = pathOf(external);
  const suffix = inputs.domainSuffix;
  return external.spec.hosts.filter((host) => {
    if (isOfMesh(host, suffix)) return false;
    const owner = inputs.external.hostOwner(host);
    return owner !== undefined && pathOf(owner) === path;
  });
}

/** Names of the mesh's own domain are Services', and nobody's else. */
export function isOfMesh(host: string, domainSuffix: string): boolean {
  return coversHostname(`*.${domainSuffix}`, host) || host === domainSuffix;
}

/** A name that is no name of the mesh's own. */
export function compileExternalName(inputs: InputReader, key: string): CompiledResource | undefined {
  const owner = nameOwner(inputs, key);
  if (owner === undefined) return undefined;
  const addresses = virtualAddressesOf(owner);
  if (addresses.length === 0) return undefined;
  const { namespace, name } = owner.metadata;
  return encodeResource({ kind: "Name", key }, NameSchema, {
    source: { kind: "ExternalService", namespace, name },
    addresses,
    ttlSeconds,
  });
}

/** The most specific host that covers the name says whose it is. */
function nameOwner(inputs: InputReader, name: string): ExternalServiceInput | undefined {
  const exact = inputs.external.hostOwner(name);
  if (exact !== undefined) return exact;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const owner = inputs.external.hostOwner(`*${name.slice(dot)}`);
    if (owner !== undefined) return owner;
  }
  return undefined;
}

/** An address that is no Service's and no workload's. */
export function compileExternalAddress(inputs: InputReader, key: string): CompiledResource | undefined {
  const owner = inputs.external.virtualOwner(key);
  const targets =
    owner === undefined ? prefixTargets(inputs, key) : [targetOf(owner, owner.spec.ports.map(numberOf))];
  const [first, ...more] = targets;
  if (first === undefined) return undefined;
  const { namespace = "", name = "" } = first;
  return encodeResource({ kind: "Address", key }, AddressSchema, {
    source: { kind: "ExternalService", namespace, name },
    target:
      more.length === 0
        ? { case: "service", value: first }
        : { case: "shared", value: { services: targets.map((target) => withHosts(inputs, target)) } },
  });
}

/** For each port, those of the longest prefix that have it. */
function prefixTargets(inputs: InputReader, ip: string): TargetContent[] {
  const taken = new Set<number>();
  const targets: TargetContent[] = [];
  for (const owners of inputs.external.prefixOwners(ip)) {
    const here = owners.flatMap((owner) => {
      const ports = owner.spec.ports.map(numberOf).filter((port) => !taken.has(port));
      return ports.length === 0 ? [] : [{ ports, target: targetOf(owner, ports) }];
    });
    for (const { ports, target } of here) {
      targets.push(target);
      for (const port of ports) taken.add(port);
    }
  }
  return targets;
}

function targetOf(external: ExternalServiceInput, ports: readonly number[]): TargetContent {
  const { namespace, name } = external.metadata;
  return {
    namespace,
    name,
    ports: external.spec.ports
      .filter(({ port }) => ports.includes(port))
      .map(({ port, name: portName = "", protocol }) => ({
        port,
        name: portName,
        protocol: protocols[protocol],
      })),
  };
}

function withHosts(inputs: InputReader, target: TargetContent): TargetContent {
  const external = inputs.external.service(`${target.namespace}/${target.name}`);
  return external === undefined ? target : { ...target, hosts: ownHosts(inputs, external) };
}

function numberOf({ port }: ExternalPort): number {
  return port;
}

export function externalTarget(
  inputs: InputReader,
  external: ExternalServiceInput,
  number: number,
): OutboundTarget | undefined {
  const port = externalPort(external, number);
  if (port === undefined) return undefined;
  const { namespace, name } = external.metadata;
  const hosts = ownHosts(inputs, external);
  // Where others may have the address too, or any place can be meant, only the name says that this service is.
  const { resolution, addresses } = external.spec;
  const isChecked = port.protocol !== "TCP" && (resolution === "None" || addresses.length > 0);
  return {
    kind: "ExternalService",
    namespace,
    service: name,
    section: port.name ?? "",
    protocol: protocols[port.protocol],
    host: hosts.find((host) => !host.startsWith("*")) ?? "",
    hosts: isChecked ? hosts : [],
  };
}

export function externalCluster(
  inputs: InputReader,
  external: ExternalServiceInput,
  number: number,
): OwnClusterContent | undefined {
  const port = externalPort(external, number);
  if (port === undefined) return undefined;
  const { spec, metadata } = external;
  const { namespace, name } = metadata;
  const hosts = spec.resolution === "None" ? [] : dnsHosts(external, port);
  return {
    source: { kind: "ExternalService", namespace, name, section: port.name ?? "" },
    namespace,
    service: name,
    port: number,
    protocol: protocols[port.protocol],
    ...(hosts.length > 0 ? { dns: { hosts } } : {}),
    ...(spec.resolution === "None" ? { original: { port: port.targetPort ?? 0 } } : {}),
    ...(spec.tls !== undefined && protocols[port.protocol] !== Protocol.TLS
      ? { tls: externalTls(inputs, external, spec.tls) }
      : {}),
  };
}

function dnsHosts(
  { spec }: ExternalServiceInput,
  port: ExternalPort,
): MessageInitShape<typeof DnsHostSchema>[] {
  if (spec.endpoints.length === 0) {
    const [host = ""] = spec.hosts;
    return [{ name: host, port: port.targetPort ?? port.port, weight: 1 }];
  }
  return spec.endpoints
    .filter(({ address }) => canonicalIp(address) === undefined)
    .map((endpoint) => ({
      name: endpoint.address,
      port: endpointPort(endpoint, port),
      ...placeOf(endpoint),
    }));
}

function endpointPort({ ports }: ExternalEndpoint, { port, targetPort }: ExternalPort): number {
  return ports?.find((each) => each.port === port)?.targetPort ?? targetPort ?? port;
}

function placeOf({ weight, priority, locality: { region = "", zone = "" } }: ExternalEndpoint) {
  return { weight, priority, region, zone };
}

/** Of the endpoints that need no look-up. "namespace/address:port": nobody's workload, but a place as well. */
function staticEndpoints(external: ExternalServiceInput, number: number) {
  const port = externalPort(external, number);
  if (port === undefined) return [];
  const { namespace } = external.metadata;
  return external.spec.endpoints.flatMap((endpoint) => {
    const address = canonicalIp(endpoint.address);
    if (address === undefined) return [];
    const target = endpointPort(endpoint, port);
    const place = address.includes(":") ? `[${address}]:${target}` : `${address}:${target}`;
    return [{ workload: `${namespace}/${place}`, address, port: target, ...placeOf(endpoint) }];
  });
}

/** Sorted. */
export function externalMembers(cluster: string, external: ExternalServiceInput, port: number): string[] {
  const keys = staticEndpoints(external, port).map(({ workload }) => endpointKey(cluster, workload));
  return [...new Set(keys)].toSorted(compareText);
}

export function compileExternalEndpoint(
  key: { readonly cluster: string; readonly workload: string },
  external: ExternalServiceInput,
  port: number,
): CompiledResource | undefined {
  const { namespace, name } = external.metadata;
  const endpoint = staticEndpoints(external, port).find(({ workload }) => workload === key.workload);
  if (endpoint === undefined) return undefined;
  return encodeResource({ kind: "Endpoint", key: endpointKey(key.cluster, key.workload) }, EndpointSchema, {
    source: { kind: "ExternalService", namespace, name },
    cluster: key.cluster,
    ...endpoint,
    tunnel: Tunnel.NONE,
    health: Health.HEALTHY,
  });
}
