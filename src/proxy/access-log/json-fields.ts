/**
 * The fields of a JSON line, as docs/reference/access-log.md prints them, in the order in which they are written, and those
 * that policies add. Loaded with the first policy that adds some.
 */
import type { PreparedLabel, TelemetryFacts } from "../../decide/telemetry/index.ts";
import { quote } from "./quote.ts";

export interface JsonField {
  readonly name: string;
  readonly type: "text" | "number" | "boolean";
  readonly meaning: string;
  /** When it is there; absent: always. */
  readonly when?: string;
}

const http = "HTTP";
const known = "it is known";

export const jsonFields: readonly JsonField[] = [
  text("time", "When it ended: UTC, ISO 8601 with milliseconds"),
  text("direction", "`outbound` or `inbound`, as the proxy that writes sees it"),
  text("protocol", "`http` or `tcp`; a call of gRPC is `http`"),
  text("source_workload", 'Workload that called, "namespace/name"; empty: unknown'),
  text("source_identity", "SPIFFE id of the caller's verified certificate; empty: it showed none"),
  text("source_namespace", "Namespace of that workload", known),
  text("source_version", "Version of that workload", known),
  text("source_locality", "Its region and zone", known),
  text("destination_workload", 'Workload that was reached, "namespace/name"; empty: unknown'),
  text("destination_identity", "SPIFFE id of that workload"),
  text("destination_service", 'Service that was dialled, "namespace/name"; empty: unknown'),
  number(
    "destination_port",
    "Port of the service, or of the application where it is the destination's proxy",
  ),
  text("destination_namespace", "Namespace of the service, else of the workload", known),
  text("destination_version", "Version of the workload; empty: unknown"),
  text("destination_locality", "Its region and zone", known),
  text("route", 'Route that decided, "namespace/name"; empty: none'),
  { name: "mtls", type: "boolean", meaning: "Both sides showed certificates of the mesh" },
  text("rule", "Name of the route's rule, or its place such as `rules[0]`", "a rule decided"),
  text(
    "request_id",
    "`x-request-id`, made by the proxy where there was none",
    "HTTP, or a refused connection",
  ),
  text("method", "As it came; empty: the head could not be read", http),
  text("scheme", "`http` or `https`, as the caller spoke", "the head could be read"),
  text("authority", "Host and port, as the caller named them", http),
  text("path", "Without the query, and as redaction has it", http),
  text("query", "What redaction leaves of it", "there is one and a policy says `logQuery`"),
  text("http_version", "`1.0`, `1.1` or `2`, of the caller's side", "the head could be read"),
  text("user_agent", "Header of that name", "it came and is not hidden"),
  number("status", "That the caller got; of a call of gRPC what its status stands for", http),
  number("grpc_status", "Status of a call of gRPC", "it came"),
  text("reason", "Reason code", "the mesh failed or refused"),
  text("policy", 'Policy that decided, "kind namespace/name"', "one did"),
  text("policy_rule", "Its rule", "one did"),
  text("policy_verdict", "What it did, or in a dry run would have done", "one did"),
  text("detail", "What is known beyond the reason; for operators only", known),
  text("trace_id", "32 hexadecimal digits", "its trace is kept"),
  text("span_id", "Of this proxy's span: 16 hexadecimal digits", "its trace is kept"),
  text("peer", "Address of the connection's other end"),
  text("upstream", "Address and port of the newest try; empty: there was none"),
  number("attempts", "Tries"),
  number("request_bytes", "Of the request's body, or of all that came from the client"),
  number("response_bytes", "Of the response's body, or of all that came from the server"),
  number("duration_us", "Microseconds from the first byte of the request to the last of the response"),
  number("admitted_us", "Microseconds until no policy stood against it", "tracing or a tap is on"),
  number("first_byte_us", "Microseconds until the response's head was passed on", "tracing or a tap is on"),
  number("revision", "Of the configuration that decided"),
];

const ownNames: ReadonlySet<string> = new Set(jsonFields.map(({ name }) => name));

/** Each with a comma before it. What is empty is left out, and so is what has the name of a field of ours. */
export function encodeAdded(fields: readonly PreparedLabel[], facts: TelemetryFacts): string {
  let encoded = "";
  for (const field of fields) {
    const value = ownNames.has(field.name) ? "" : field.read(facts);
    if (value !== "") encoded += `,${quote(field.name)}:${quote(value)}`;
  }
  return encoded;
}

function text(name: string, meaning: string, when?: string): JsonField {
  return { name, type: "text", meaning, ...(when === undefined ? {} : { when }) };
}

function number(name: string, meaning: string, when?: string): JsonField {
  return { name, type: "number", meaning, ...(when === undefined ? {} : { when }) };
}
