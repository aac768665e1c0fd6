/** Operators of text formats of access logs: Envoy's names and meanings, and some of our own. docs/reference/access-log.md prints the table. */

export interface LogOperatorInfo {
  /** What may stand in parentheses. */
  readonly argument: "none" | "header" | "time" | "grpc-status" | "field";
  readonly isArgumentOptional?: boolean;
  readonly meaning: string;
}

export const logOperators = {
  START_TIME: time("When it began"),
  EMIT_TIME: time("When the line was made"),
  REQ: header("Header of the request"),
  RESP: header("Header of the response, as it came from upstream"),
  TRAILER: header("Trailer of the response; `grpc-status` alone is kept"),
  PROTOCOL: value("`HTTP/1.0`, `HTTP/1.1` or `HTTP/2`, of the caller's side"),
  UPSTREAM_PROTOCOL: value("The same of the response"),
  RESPONSE_CODE: value("Status that the caller got; 0: none, or raw TCP"),
  RESPONSE_CODE_DETAILS: value(
    "Reason code, `via_upstream`, or `direct_response` where a route answers itself",
  ),
  RESPONSE_FLAGS: value("What went wrong, in Envoy's short form"),
  RESPONSE_FLAGS_LONG: value("The same in its long form"),
  CONNECTION_TERMINATION_DETAILS: value("Why a raw connection ended that did not end well"),
  BYTES_RECEIVED: value("Bytes of the request's body, or from the client"),
  BYTES_SENT: value("Bytes of the response's body, or to the client"),
  DURATION: value("Milliseconds from the first byte of the request to the last of the response"),
  REQUEST_DURATION: value(
    "Milliseconds until the request had come; known of requests without a body, which are 0",
  ),
  RESPONSE_DURATION: value(
    "Milliseconds until the response's head was passed on; known while tracing or a tap is on",
  ),
  RESPONSE_TX_DURATION: value("Milliseconds from there to the end; known while tracing or a tap is on"),
  UPSTREAM_HOST: value("Address and port of the newest try"),
  UPSTREAM_REMOTE_ADDRESS: value("The same"),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: value("Its address"),
  UPSTREAM_REMOTE_PORT: value("Its port"),
  UPSTREAM_CLUSTER: value("Service and port, `namespace/name:port`"),
  UPSTREAM_CLUSTER_RAW: value("The same"),
  UPSTREAM_LOCAL_ADDRESS: value("Not recorded: always `-`"),
  UPSTREAM_PEER_URI_SAN: value("SPIFFE id that the destination proved to this proxy"),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: value("Tries"),
  UPSTREAM_TRANSPORT_FAILURE_REASON: value("Why TLS with the endpoint, or its identity, failed"),
  DOWNSTREAM_REMOTE_ADDRESS: value("Address of the connection's other end"),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: value("The same"),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: value("The same"),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: value("The same"),
  DOWNSTREAM_LOCAL_ADDRESS: value("Not recorded: always `-`"),
  DOWNSTREAM_PEER_URI_SAN: value("SPIFFE id that the caller proved to this proxy"),
  DOWNSTREAM_PEER_SUBJECT: value("The mesh's certificates have none: always `-`"),
  REQUESTED_SERVER_NAME: value("Not recorded: always `-`"),
  ROUTE_NAME: value("Route and rule that decided, `namespace/name/rule`"),
  GRPC_STATUS: {
    argument: "grpc-status",
    isArgumentOptional: true,
    meaning: "Status of a call of gRPC: `CAMEL_STRING` (the default), `SNAKE_STRING` or `NUMBER`",
  },
  GRPC_STATUS_NUMBER: value("Its number"),
  TRACE_ID: value("Where its trace is kept"),
  SPAN_ID: value("Of this proxy's span, where its trace is kept"),
  STREAM_ID: value("`x-request-id`, made by the proxy where there was none"),
  ACCESS_LOG_TYPE: value("`DownstreamEnd`, or `TcpConnectionEnd`"),
  HOSTNAME: value("Of the machine or container"),
  WEFT_DIRECTION: value("`outbound` or `inbound`"),
  WEFT_SOURCE_WORKLOAD: value('Workload that called, "namespace/name"'),
  WEFT_SOURCE_IDENTITY: value("SPIFFE id of the caller, whichever side writes"),
  WEFT_DESTINATION_WORKLOAD: value('Workload that was reached, "namespace/name"'),
  WEFT_DESTINATION_SERVICE: value('Service that was dialled, "namespace/name"'),
  WEFT_REASON: value("Reason code"),
  WEFT_DETAIL: value("What is known beyond it"),
  WEFT_POLICY: value('Policy that decided, "kind namespace/name"'),
  WEFT_POLICY_RULE: value("Its rule"),
  WEFT_REVISION: value("Of the configuration that decided"),
  WEFT_FIELD: { argument: "field", meaning: "A field of the policy's `fields`, by its name" },
} as const satisfies Readonly<Record<string, LogOperatorInfo>>;

export type LogOperator = keyof typeof logOperators;
/** Those without an argument. */
export type ValueOperator = {
  [N in LogOperator]: (typeof logOperators)[N]["argument"] extends "none" ? N : never;
}[LogOperator];

function value(meaning: string): LogOperatorInfo & { readonly argument: "none" } {
  return { argument: "none", meaning };
}

function header(meaning: string): LogOperatorInfo & { readonly argument: "header" } {
  return { argument: "header", meaning };
}

function time(meaning: string): LogOperatorInfo & { readonly argument: "time" } {
  return { argument: "time", isArgumentOptional: true, meaning };
}
