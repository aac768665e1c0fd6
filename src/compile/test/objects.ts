/** Objects for tests: parsed as the server parses them, with the metadata that the store would add. */
import { parseObject, type Stored } from "../../api/index.ts";
import { issueLine } from "../../kernel/index.ts";

export const trust = { trustDomain: "0a1b2c3d.weft", trustRoots: [new Uint8Array([1, 2, 3])] };

export function stored(input: unknown, generation = 1): Stored {
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(parsed.issues.map(issueLine).join("\n"));
  return withMetadata(parsed.object, generation);
}

function withMetadata(object: ReturnType<typeof stored> | Parsed, generation: number): Stored {
  const { metadata } = object;
  const added = {
    uid: `uid-${metadata.name}`,
    resourceVersion: "1",
    generation,
    creationTimestamp: metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
  };
  // One branch a kind keeps `kind` and `spec` together for the type checker.
  switch (object.kind) {
    case "HTTPRoute":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "GRPCRoute":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "Gateway":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "TLSRoute":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "UDPRoute":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "ListenerSet":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "ConfigMap":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "TCPRoute":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "ReferenceGrant":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "BackendTLSPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "Secret":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "GatewayClass":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "Namespace":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "TrafficPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "FaultPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "AuthenticationPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "AuthorizationPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "RateLimitPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "TelemetryPolicy":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "MeshConfig":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "Service":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "ExternalService":
      return { ...object, metadata: { ...object.metadata, ...added } };
    case "MeshWorkload":
      return { ...object, metadata: { ...object.metadata, ...added } };
    default:
      throw new Error(`no test needs a ${object.kind}`);
  }
}

type Parsed = Extract<ReturnType<typeof parseObject>, { object: unknown }>["object"];
