/**
 * One resource as it came, decoded and prepared so far that serving from it costs nothing more. What cannot be
 * prepared is refused here, before anything of it is live.
 */
import { fromBinary } from "@bufbuild/protobuf";
import {
  admissionAt,
  ConnectionTable,
  PreparedFaults,
  prepareVirtualHosts,
  RouteTable,
  ServiceConnections,
} from "../../decide/index.ts";
import { WeftError } from "../../kernel/index.ts";
import {
  type Address,
  AddressSchema,
  CertificateSchema,
  certificateKey,
  type Cluster,
  ClusterSchema,
  clusterKey,
  clusterTransport,
  type Endpoint,
  EndpointSchema,
  endpointKey,
  type Gateway,
  GatewaySchema,
  gatewayKey,
  type Inbound,
  InboundSchema,
  type Mesh,
  MeshSchema,
  type ModelKind,
  modelSchemas,
  type Name,
  NameSchema,
  type Outbound,
  OutboundSchema,
  outboundKey,
  typeUrl,
} from "../../model/index.ts";
import { GatewayCertificate } from "./gateway-certificate.ts";
import type { ListenerAdmission, PreparedGateway, PreparedOutbound } from "./snapshot.ts";

/** `Commit` is no resource that anybody keeps. */
export type ResourceKind = Exclude<ModelKind, "Commit">;

interface ResourceValues {
  readonly Mesh: Mesh;
  readonly Name: Name;
  readonly Address: Address;
  readonly Outbound: PreparedOutbound;
  readonly Cluster: Cluster;
  readonly Endpoint: Endpoint;
  readonly Inbound: Inbound;
  readonly Gateway: PreparedGateway;
  readonly Certificate: GatewayCertificate;
}

export type Resource = {
  [K in ResourceKind]: {
    readonly kind: K;
    readonly name: string;
    readonly version: string;
    /** As received, for the last good configuration. A copy of its own, so that no larger buffer is kept alive. */
    readonly bytes: Uint8Array;
    readonly value: ResourceValues[K];
  };
}[ResourceKind];

export interface RawResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

const kindsByTypeUrl: ReadonlyMap<string, ModelKind> = new Map(
  Object.keys(modelSchemas)
    .filter((name): name is ModelKind => Object.hasOwn(modelSchemas, name))
    .map((kind) => [typeUrl(kind), kind]),
);

export function modelKindOf(url: string): ModelKind | undefined {
  return kindsByTypeUrl.get(url);
}

/** Throws where the bytes are no such message, or say something that this proxy cannot do. */
export function prepareResource(raw: RawResource): Resource {
  const { kind, name, version } = raw;
  const bytes = Uint8Array.from(raw.bytes);
  const common = { name, version, bytes };
  switch (kind) {
    case "Mesh":
      return { kind, ...common, value: fromBinary(MeshSchema, bytes) };
    case "Name":
      return { kind, ...common, value: fromBinary(NameSchema, bytes) };
    case "Address":
      return { kind, ...common, value: fromBinary(AddressSchema, bytes) };
    case "Inbound": {
      const value = fromBinary(InboundSchema, bytes);
      // Its table needs the mesh; here it only has to be possible.
      for (const port of value.ports) admissionAt(value.admissions, port.admission);
      return { kind, ...common, value };
    }
    case "Outbound":
      return { kind, ...common, value: prepareOutbound(name, fromBinary(OutboundSchema, bytes)) };
    case "Cluster": {
      const value = fromBinary(ClusterSchema, bytes);
      const transport = clusterTransport(value.protocol);
      requireName(name, clusterKey(value.namespace, value.service, value.port, transport));
      // They are prepared with its endpoints; here it only has to be possible.
      PreparedFaults.prepare(value.faults);
      return { kind, ...common, value };
    }
    case "Endpoint": {
      const value = fromBinary(EndpointSchema, bytes);
      requireName(name, endpointKey(value.cluster, value.workload));
      return { kind, ...common, value };
    }
    case "Gateway":
      return { kind, ...common, value: prepareGateway(name, fromBinary(GatewaySchema, bytes)) };
    case "Certificate": {
      const value = fromBinary(CertificateSchema, bytes);
      requireName(name, certificateKey(value.source?.namespace ?? "", value.source?.name ?? ""));
      return { kind, ...common, value: GatewayCertificate.prepare(name, value) };
    }
  }
}

/** What is prepared is left out of the messages that stay, so that it is not kept twice. */
export function prepareGateway(name: string, gateway: Gateway): PreparedGateway {
  requireName(name, gatewayKey(gateway.source?.namespace ?? "", gateway.source?.name ?? ""));
  // Its table is built for all gateways of a port together; here it only has to be possible.
  ConnectionTable.prepare(gateway.listeners);
  const listeners = gateway.listeners.map((listener) => ({
    listener: { ...listener, virtualHosts: [] },
    hosts: prepareVirtualHosts(listener),
    admission: admissionOf(gateway, listener.admission, name),
    telemetry: gateway.telemetry,
  }));
  const { labels, annotations } = gateway;
  const ofRules = gateway.listeners.flatMap(({ virtualHosts }) =>
    virtualHosts.flatMap(({ http }) => http?.rules.flatMap(({ admission }) => admission ?? []) ?? []),
  );
  return { name, labels, annotations, listeners, admissions: [...gateway.admissions, ...ofRules] };
}

function admissionOf(gateway: Gateway, index: number, name: string): ListenerAdmission | undefined {
  const admission = admissionAt(gateway.admissions, index);
  return admission && { admission, gateway: name };
}

export function prepareOutbound(name: string, message: Outbound): PreparedOutbound {
  const { http, connections, ...outbound } = message;
  const { namespace, service, port, clientNamespace } = outbound;
  requireName(name, outboundKey(namespace, service, port, clientNamespace));
  return {
    key: name,
    outbound,
    routes: http === undefined ? undefined : RouteTable.prepare(http),
    connections: connections === undefined ? undefined : ServiceConnections.prepare(connections),
  };
}

/** What a resource says must be what was asked for under its name: the two index different tables. */
function requireName(name: string, own: string): void {
  if (name !== own) throw new WeftError("bad_input", `the resource says of itself that it is "${own}"`);
}
