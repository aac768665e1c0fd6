/**
 * One resource as it came, decoded and prepared so far that serving from it costs nothing more. What cannot be
 * prepared is refused here, before anything of it is live.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { ConnectionTable, RouteTable, VirtualHostTable } from "../../decide/index.ts";
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
  OutboundSchema,
  outboundKey,
  typeUrl,
} from "../../model/index.ts";
import { GatewayCertificate } from "./gateway-certificate.ts";
import type { PreparedOutbound } from "./snapshot.ts";

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
  readonly Gateway: Gateway;
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
    case "Inbound":
      return { kind, ...common, value: fromBinary(InboundSchema, bytes) };
    case "Outbound":
      return { kind, ...common, value: prepareOutbound(name, bytes) };
    case "Cluster": {
      const value = fromBinary(ClusterSchema, bytes);
      const transport = clusterTransport(value.protocol);
      requireName(name, clusterKey(value.namespace, value.service, value.port, transport));
      return { kind, ...common, value };
    }
    case "Endpoint": {
      const value = fromBinary(EndpointSchema, bytes);
      requireName(name, endpointKey(value.cluster, value.workload));
      return { kind, ...common, value };
    }
    case "Gateway": {
      const value = fromBinary(GatewaySchema, bytes);
      requireName(name, gatewayKey(value.source?.namespace ?? "", value.source?.name ?? ""));
      // The tables are built for all gateways of a port together; here it only has to be possible.
      VirtualHostTable.prepare(value.listeners);
      ConnectionTable.prepare(value.listeners);
      return { kind, ...common, value };
    }
    case "Certificate": {
      const value = fromBinary(CertificateSchema, bytes);
      requireName(name, certificateKey(value.source?.namespace ?? "", value.source?.name ?? ""));
      return { kind, ...common, value: GatewayCertificate.prepare(name, value) };
    }
  }
}

function prepareOutbound(name: string, bytes: Uint8Array): PreparedOutbound {
  const outbound = fromBinary(OutboundSchema, bytes);
  const { namespace, service, port, clientNamespace, http } = outbound;
  requireName(name, outboundKey(namespace, service, port, clientNamespace));
  return { key: name, outbound, routes: http === undefined ? undefined : RouteTable.prepare(http) };
}

/** What a resource says must be what was asked for under its name: the two index different tables. */
function requireName(name: string, own: string): void {
  if (name !== own) throw new WeftError("bad_input", `the resource says of itself that it is "${own}"`);
}
