/** What a tap's filter may read of an exchange or connection that has ended, by name. Checked by the control plane, read by proxies. */
import type { Attribute, AttributeType } from "./attributes.ts";

export const tapAttributes: readonly Attribute[] = [
  always("direction", "text", "`outbound` at the caller's proxy and at gateways, `inbound` at the server's"),
  always("source.workload", "text", 'Who called, "namespace/name"'),
  always("source.namespace", "text", "Its namespace"),
  always("source.identity", "text", "Its SPIFFE id, where it proved one"),
  always("source.address", "text", "Address of the connection's peer, without the port"),
  always("destination.workload", "text", 'Who was called, "namespace/name"'),
  always("destination.namespace", "text", "Namespace of the service that was dialled, else of the workload"),
  always("destination.identity", "text", "SPIFFE id of who was called"),
  always("destination.service", "text", 'Service that was dialled, "namespace/name"'),
  always("destination.port", "integer", "Port that was dialled"),
  always("route.name", "text", 'Route that was taken, "namespace/name"'),
  always("route.rule", "text", 'Name of its rule, or its place: "rules[2]"'),
  always("connection.mtls", "boolean", "Whether both sides proved their identity"),
  always("response.reason", "text", "Reason code; absent where all went well"),
  always("response.duration_ms", "integer", "How long it took, in whole milliseconds"),
  always("request.bytes", "integer", "Bytes of the request's body, or from the client"),
  always("response.bytes", "integer", "Bytes of the answer's body, or from the server"),
  always("request.id", "text", "The request's id"),
  ofRequest("request.method", "text", "Method, as it came"),
  ofRequest("request.host", "text", "Host, in lower case and without the port"),
  ofRequest("request.path", "text", "Path as it came, without the query"),
  ofRequest("request.query", "text", "What follows the first `?`, as it came; empty where there is none"),
  ofRequest("request.scheme", "text", "`http` or `https`"),
  ofRequest("request.headers", "map of text", "Headers by their name in lower case"),
  ofRequest("response.code", "integer", "Status that the caller got"),
  ofRequest("response.grpc_status", "integer", "Status of a gRPC call; absent elsewhere"),
  ofRequest("response.headers", "map of text", "Headers of the answer as the server gave it"),
];

function always(name: string, type: AttributeType, meaning: string): Attribute {
  return { name, type, meaning, needsHttp: false, needsClaims: false };
}

function ofRequest(name: string, type: AttributeType, meaning: string): Attribute {
  return { name, type, meaning, needsHttp: true, needsClaims: false };
}
