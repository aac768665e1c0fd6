/** Names of compiled resources and their type URLs: the one place that knows how a key is written. */
import type { DescMessage } from "@bufbuild/protobuf";
import {
  AddressSchema,
  CertificateSchema,
  ClusterSchema,
  CommitSchema,
  EndpointSchema,
  GatewaySchema,
  InboundSchema,
  MeshSchema,
  NameSchema,
  OutboundSchema,
  Protocol,
} from "./gen/weft/model/v1/model_pb.js";

/** Every kind of resource that travels to a proxy. `Commit` ends a change and is never subscribed to by name. */
export const modelSchemas = {
  Mesh: MeshSchema,
  Name: NameSchema,
  Address: AddressSchema,
  Outbound: OutboundSchema,
  Cluster: ClusterSchema,
  Endpoint: EndpointSchema,
  Inbound: InboundSchema,
  Gateway: GatewaySchema,
  Certificate: CertificateSchema,
  Commit: CommitSchema,
} as const satisfies Record<string, DescMessage>;

export type ModelKind = keyof typeof modelSchemas;

export function typeUrl(kind: ModelKind): string {
  return `type.weft.dev/weft.model.v1.${kind}`;
}

export const meshKey = "mesh";

export function outboundKey(
  namespace: string,
  service: string,
  port: number,
  clientNamespace: string,
): string {
  return `${namespace}/${service}:${port}@${clientNamespace}`;
}

export interface OutboundKeyParts {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly clientNamespace: string;
}

export function parseOutboundKey(key: string): OutboundKeyParts | undefined {
  const groups = /^(?<namespace>[^/]+)\/(?<service>[^:]+):(?<port>\d{1,5})@(?<client>.+)$/.exec(key)?.groups;
  if (groups === undefined) return undefined;
  return {
    namespace: groups["namespace"] ?? "",
    service: groups["service"] ?? "",
    port: Number(groups["port"]),
    clientNamespace: groups["client"] ?? "",
  };
}

/** A Service may have one number for a port of TCP and one of UDP, so those of UDP say what they are. */
export function clusterKey(
  namespace: string,
  service: string,
  port: number,
  transport: "TCP" | "UDP" = "TCP",
): string {
  return `${namespace}/${service}:${port}${transport === "UDP" ? "@udp" : ""}`;
}

/** What the key of a cluster of this protocol says. */
export function clusterTransport(protocol: Protocol): "TCP" | "UDP" {
  return protocol === Protocol.UDP ? "UDP" : "TCP";
}

/** `workload` is "namespace/name". */
export function endpointKey(cluster: string, workload: string): string {
  return `${cluster}/${workload}`;
}

export function inboundKey(namespace: string, workload: string): string {
  return `${namespace}/${workload}`;
}

export function gatewayKey(namespace: string, gateway: string): string {
  return `${namespace}/${gateway}`;
}

export function certificateKey(namespace: string, secret: string): string {
  return `${namespace}/${secret}`;
}
