/**
 * What a condition of authorization may read, by name. The control plane checks conditions against this table, proxies
 * read the values, and the reference prints it. What is not known of a request (no certificate, no token, no such header)
 * is absent: reading it is an error of the expression, asking with `has` is not.
 */

/** "any" is what JSON holds. Of a map one entry is read with a key, of "any" as many as there are levels. */
export type AttributeType = "text" | "integer" | "boolean" | "list of text" | "map of text" | "any";

export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly meaning: string;
  /** Absent on raw TCP: a rule that reads it can match no connection in an allow policy and matches all in a deny. */
  readonly needsHttp: boolean;
  /** Absent without a valid token. */
  readonly needsClaims: boolean;
}

export const attributes: readonly Attribute[] = [
  ofCaller("source.identity", "text", "SPIFFE id of the caller's verified certificate"),
  ofCaller("source.namespace", "text", "Namespace in that identity, where it is one of this mesh's"),
  ofCaller(
    "source.service_account",
    "text",
    'Service account in that identity, "namespace/name", where it is one of this mesh\'s',
  ),
  ofCaller("source.trust_domain", "text", "Trust domain of that identity"),
  ofCaller("source.address", "text", "Address of the connection's peer, canonical text"),
  ofCaller("source.port", "integer", "Port of the connection's peer"),
  ofCaller("connection.tls", "boolean", "Whether the client's connection is encrypted"),
  ofCaller(
    "connection.mtls",
    "boolean",
    "Whether it is, and the client showed a certificate that was verified",
  ),
  ofCaller("connection.sni", "text", "Server name in the client's TLS hello"),
  ofCaller("destination.workload", "text", 'Workload, or gateway, that was reached, "namespace/name"'),
  ofCaller("destination.service", "text", 'Service that was dialled, "namespace/name"'),
  ofCaller("destination.port", "integer", "Port that the application, or the gateway's listener, listens on"),
  ofRequest("request.method", "text", "Method, as it came"),
  ofRequest("request.path", "text", "Path in normal form, without the query"),
  ofRequest("request.raw_path", "text", "Path as it came, without the query"),
  ofRequest("request.query", "text", "What follows the first `?`, as it came; empty where there is none"),
  ofRequest("request.query_parameters", "map of text", "First value of each query parameter, decoded"),
  ofRequest("request.host", "text", "Host, in lower case and without the port"),
  ofRequest("request.scheme", "text", "`http` or `https`"),
  ofRequest("request.protocol", "text", "`HTTP/1.0`, `HTTP/1.1` or `HTTP/2`"),
  ofRequest(
    "request.headers",
    "map of text",
    'Headers by their name in lower case; the values of a repeated one are joined by ", "',
  ),
  ofRequest("request.id", "text", "The request's id"),
  ofRequest("request.time", "integer", "Unix time in seconds"),
  ofRequest("request.hour", "integer", "Hour of the day in UTC, 0 to 23"),
  ofRequest("request.weekday", "integer", "Day of the week in UTC, 0 (Sunday) to 6"),
  ofRequest(
    "request.remote_address",
    "text",
    "Address of the client as trusted proxies tell it, else of the peer",
  ),
  ofRequest("request.grpc_service", "text", 'Service of a gRPC call, "package.Service"'),
  ofRequest("request.grpc_method", "text", 'Method of a gRPC call, "Method"'),
  ofToken("jwt.issuer", "text", "Claim `iss` of the valid token"),
  ofToken("jwt.subject", "text", "Claim `sub`"),
  ofToken("jwt.principal", "text", '"<issuer>/<subject>"'),
  ofToken("jwt.audiences", "list of text", "Claim `aud`; a single one is a list of one"),
  ofToken("jwt.claims", "any", 'Claims, nested ones too: `jwt.claims["realm"]["roles"]`'),
];

function ofCaller(name: string, type: AttributeType, meaning: string): Attribute {
  return { name, type, meaning, needsHttp: false, needsClaims: false };
}

function ofRequest(name: string, type: AttributeType, meaning: string): Attribute {
  return { name, type, meaning, needsHttp: true, needsClaims: false };
}

function ofToken(name: string, type: AttributeType, meaning: string): Attribute {
  return { name, type, meaning, needsHttp: true, needsClaims: true };
}
