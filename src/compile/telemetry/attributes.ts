/**
 * What expressions of TelemetryPolicy may read, by name. All of it is known when a request or connection has ended. Proxies
 * read the values (decide/telemetry/attribute.ts), and the reference prints this table. What there is none of (a status of a
 * raw connection, a header that did not come) is absent: reading it is an error of the expression, asking with `has` is not.
 */
import type { AttributeType } from "../../model/index.ts";
import type { AttributeTable } from "../security/lowering.ts";

export interface TelemetryAttribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly meaning: string;
  /** Absent on raw TCP. */
  readonly needsHttp: boolean;
  /** It has few values, so that labels of metrics may read it. */
  readonly isBounded: boolean;
}

export const telemetryAttributes: readonly TelemetryAttribute[] = [
  bounded("direction", "text", "`outbound` or `inbound`, as the proxy that tells sees it"),
  bounded("source.workload", "text", 'Workload that called, "namespace/name"'),
  bounded("source.namespace", "text", "Namespace of that workload, else of the identity"),
  bounded("source.identity", "text", "SPIFFE id of the caller's verified certificate"),
  open("source.address", "text", "Address and port of the connection's peer"),
  bounded("destination.workload", "text", 'Workload that was reached, "namespace/name"'),
  bounded("destination.namespace", "text", "Namespace of the service that was dialled, else of the workload"),
  bounded("destination.identity", "text", "SPIFFE id of that workload"),
  bounded("destination.service", "text", 'Service that was dialled, "namespace/name"'),
  bounded("destination.port", "integer", "Port that was dialled, or that the application listens on"),
  bounded("connection.mtls", "boolean", "Whether both sides showed certificates of the mesh"),
  bounded("route", "text", 'Route that decided, "namespace/name"'),
  bounded("rule", "text", "Name of its rule, or its place such as `rules[0]`"),
  bounded("reason", "text", "Reason code where the mesh failed or refused; absent where all went well"),
  open(
    "duration_ms",
    "integer",
    "Milliseconds from the first byte of the request to the last of the response",
  ),
  bounded("request.method", "text", "Method, as it came", true),
  open(
    "request.path",
    "text",
    "Path, as it came and without the query; in what is told, as redaction has it",
    true,
  ),
  bounded("request.host", "text", "Host, in lower case and without the port", true),
  open("request.scheme", "text", "`http` or `https`", true),
  open("request.id", "text", "The request's id"),
  open("request.size", "integer", "Bytes of its body, or of all that came from the client"),
  bounded(
    "request.headers",
    "map of text",
    "Headers by their name in lower case; what redaction hides is absent in what is told",
    true,
  ),
  bounded("response.code", "integer", "Status that the client got", true),
  bounded("response.grpc_status", "integer", "Status of a gRPC call", true),
  open("response.size", "integer", "Bytes of its body, or of all that came from the server"),
  open("response.headers", "map of text", "Headers of the response, in the same way", true),
];

function bounded(name: string, type: AttributeType, meaning: string, needsHttp = false): TelemetryAttribute {
  return { name, type, meaning, needsHttp, isBounded: true };
}

function open(name: string, type: AttributeType, meaning: string, needsHttp = false): TelemetryAttribute {
  return { name, type, meaning, needsHttp, isBounded: false };
}

const byName = new Map(telemetryAttributes.map((attribute) => [attribute.name, attribute]));
const page = "docs/reference/telemetry.md";

/** Never told by anybody (`decide/telemetry/redaction.ts`): a name here can only be a slip. */
const secretHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
]);

function secret(name: string, [key = ""]: readonly string[]): string | undefined {
  return name.endsWith(".headers") && secretHeaders.has(key.toLowerCase())
    ? `${key} is always hidden; a filter may ask for it with has`
    : undefined;
}

/** Of filters, which tell nothing. */
export const filterAttributes: AttributeTable = { byName, page };

/** Of what is written into logs and spans. */
export const fieldAttributes: AttributeTable = { byName, page, refusal: secret };

/** Of metric labels, each of which multiplies the series. */
export const labelAttributes: AttributeTable = {
  byName,
  page,
  refusal: (name, keys) =>
    byName.get(name)?.isBounded === true
      ? secret(name, keys)
      : `${name} differs from request to request, so each would have a series of its own; log it, or read route or rule`,
};
