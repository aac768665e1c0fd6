/**
 * Why a request or connection was refused or failed: a closed set. Each code answers in every table below, so a new
 * code does not compile until it has an HTTP status, a gRPC status, a class that callers may see, and a hint.
 */

export type ReasonCode =
  | "malformed_request"
  | "uri_too_long"
  | "headers_too_large"
  | "unsupported_request"
  | "unsupported_version"
  | "no_route"
  | "misdirected_request"
  | "protocol_mismatch"
  | "backend_unresolved"
  | "no_endpoint"
  | "discovery_unavailable"
  | "destination_unknown"
  | "destination_denied"
  | "pool_exhausted"
  | "cluster_limit"
  | "upstream_connect_failed"
  | "upstream_connect_timeout"
  | "upstream_tls_failed"
  | "backend_tls_failed"
  | "upstream_identity_mismatch"
  | "upstream_reset"
  | "upstream_malformed"
  | "request_timeout"
  | "try_timeout"
  | "stream_idle_timeout"
  | "idle_timeout"
  | "mtls_required"
  | "tls_handshake_failed"
  | "peer_untrusted"
  | "peer_identity_invalid"
  | "preface_malformed"
  | "proxy_protocol_malformed"
  | "target_unknown"
  | "application_unreachable"
  | "client_closed"
  | "client_timeout"
  | "draining"
  | "overloaded"
  | "jwt_missing"
  | "jwt_invalid"
  | "authorization_denied"
  | "external_denied"
  | "external_unavailable"
  | "rate_limited"
  | "peer_revoked"
  | "certificate_expired"
  | "fault_injected"
  | "internal";

export interface Reason {
  /** Answer where the exchange is HTTP. */
  readonly httpStatus: number;
  /** Answer where the exchange is gRPC (google.rpc.Code). */
  readonly grpcStatus: number;
  /** All that the caller is told: whose side it was on. */
  readonly responseClass: "client" | "mesh" | "upstream";
  /** The request never reached the application, so another endpoint may be tried whatever the method. */
  readonly isUnprocessed: boolean;
  /** For the operator: what to look at. */
  readonly hint: string;
}

export const reasons: Record<ReasonCode, Reason> = {
  malformed_request: {
    httpStatus: 400,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the client sent bytes that are not valid HTTP; see the log's detail",
  },
  uri_too_long: {
    httpStatus: 414,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the request target is longer than the limit",
  },
  headers_too_large: {
    httpStatus: 431,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the request's headers are more or larger than the limit",
  },
  unsupported_request: {
    httpStatus: 501,
    grpcStatus: 12,
    responseClass: "client",
    isUnprocessed: true,
    hint: "this method or coding is not supported here",
  },
  unsupported_version: {
    httpStatus: 505,
    grpcStatus: 12,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the request's major version of HTTP is not spoken on this connection",
  },
  no_route: {
    httpStatus: 404,
    grpcStatus: 12,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "no rule of the attached routes matches; run weft describe on the route",
  },
  misdirected_request: {
    httpStatus: 421,
    grpcStatus: 16,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the client sent a request for one hostname over a TLS connection that it opened for another's listener",
  },
  protocol_mismatch: {
    httpStatus: 400,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "one side does not speak the protocol that the port is declared with; correct appProtocol or the port's name",
  },
  backend_unresolved: {
    httpStatus: 500,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the route names a backend that does not exist; see its ResolvedRefs condition",
  },
  no_endpoint: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the service has no live endpoint; are its workloads running and selected?",
  },
  discovery_unavailable: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the destination was not known in time; is the control plane reachable?",
  },
  destination_unknown: {
    httpStatus: 502,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the address lies in the mesh's prefixes but belongs to nothing",
  },
  destination_denied: {
    httpStatus: 502,
    grpcStatus: 7,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "MeshConfig or the namespace denies what the mesh does not know, or the name that was said is none of the external service's hosts",
  },
  pool_exhausted: {
    httpStatus: 503,
    grpcStatus: 8,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "all connections are busy and the queue is full; raise the limit or add instances",
  },
  cluster_limit: {
    httpStatus: 503,
    grpcStatus: 8,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "as many connections or requests as a TrafficPolicy allows to the service are under way; raise the limit or add instances",
  },
  upstream_connect_failed: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "the endpoint refused the connection; is the peer proxy running?",
  },
  upstream_connect_timeout: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "the endpoint did not accept the connection in time",
  },
  upstream_tls_failed: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "the TLS handshake with the endpoint failed; compare trust roots and clocks",
  },
  backend_tls_failed: {
    httpStatus: 502,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "no TLS with the backend as its policy asks for; see the log's detail and the status of the BackendTLSPolicy",
  },
  upstream_identity_mismatch: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "the endpoint proved another identity than the service's",
  },
  upstream_reset: {
    httpStatus: 502,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: false,
    hint: "the connection to the endpoint ended before the response did",
  },
  upstream_malformed: {
    httpStatus: 502,
    grpcStatus: 13,
    responseClass: "upstream",
    isUnprocessed: false,
    hint: "the application's answer is not valid HTTP",
  },
  request_timeout: {
    httpStatus: 504,
    grpcStatus: 4,
    responseClass: "upstream",
    isUnprocessed: false,
    hint: "the route's request timeout passed",
  },
  try_timeout: {
    httpStatus: 504,
    grpcStatus: 4,
    responseClass: "upstream",
    isUnprocessed: false,
    hint: "the endpoint did not answer in a try's time, and no other try was left",
  },
  stream_idle_timeout: {
    httpStatus: 504,
    grpcStatus: 4,
    responseClass: "upstream",
    isUnprocessed: false,
    hint: "neither request nor response moved for longer than the stream idle timeout",
  },
  idle_timeout: {
    httpStatus: 408,
    grpcStatus: 4,
    responseClass: "client",
    isUnprocessed: false,
    hint: "nothing was sent for longer than the idle timeout",
  },
  mtls_required: {
    httpStatus: 403,
    grpcStatus: 7,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the workload requires mTLS and the connection came in plaintext",
  },
  tls_handshake_failed: {
    httpStatus: 403,
    grpcStatus: 16,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the TLS handshake did not complete",
  },
  peer_untrusted: {
    httpStatus: 403,
    grpcStatus: 16,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the peer's certificate does not chain to a trusted root or is expired",
  },
  peer_identity_invalid: {
    httpStatus: 403,
    grpcStatus: 16,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the peer's certificate carries no SPIFFE identity of this trust domain",
  },
  preface_malformed: {
    httpStatus: 400,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the peer's preface could not be read; are both proxies' versions compatible?",
  },
  proxy_protocol_malformed: {
    httpStatus: 400,
    grpcStatus: 13,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the connection did not begin with a PROXY header; does the load balancer in front send one?",
  },
  target_unknown: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the preface names an address that is not this workload's",
  },
  application_unreachable: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "upstream",
    isUnprocessed: true,
    hint: "the application did not accept the connection; is it listening on the port?",
  },
  client_closed: {
    httpStatus: 499,
    grpcStatus: 1,
    responseClass: "client",
    isUnprocessed: false,
    hint: "the client went away before the response was complete",
  },
  client_timeout: {
    httpStatus: 408,
    grpcStatus: 4,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the client did not send its request's head in time",
  },
  draining: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the proxy is shutting down",
  },
  overloaded: {
    httpStatus: 503,
    grpcStatus: 8,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "a limit of the proxy was reached; see its metrics",
  },
  jwt_missing: {
    httpStatus: 401,
    grpcStatus: 16,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the place asks for a token and the request brought none; see the AuthenticationPolicy that the log names",
  },
  jwt_invalid: {
    httpStatus: 401,
    grpcStatus: 16,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the request's token is expired, forged, or not meant for this audience; the log's detail says which",
  },
  authorization_denied: {
    httpStatus: 403,
    grpcStatus: 7,
    responseClass: "client",
    isUnprocessed: true,
    hint: "an AuthorizationPolicy says no, or none says yes; the log's policy and detail name it, weft describe request ID explains it",
  },
  external_denied: {
    httpStatus: 403,
    grpcStatus: 7,
    responseClass: "client",
    isUnprocessed: true,
    hint: "the external authorization service said no",
  },
  external_unavailable: {
    httpStatus: 403,
    grpcStatus: 7,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the external authorization service gave no answer in time, and its policy fails closed",
  },
  rate_limited: {
    httpStatus: 429,
    grpcStatus: 8,
    responseClass: "client",
    isUnprocessed: true,
    hint: "a RateLimitPolicy's limit is used up; the log's policy names it",
  },
  peer_revoked: {
    httpStatus: 403,
    grpcStatus: 16,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "the peer's certificate is on the mesh's revocation list",
  },
  certificate_expired: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: true,
    hint: "this proxy's own certificate is expired and no newer one could be had; is the control plane reachable?",
  },
  fault_injected: {
    httpStatus: 503,
    grpcStatus: 14,
    responseClass: "mesh",
    isUnprocessed: false,
    hint: "a FaultPolicy did this on purpose; the log's detail names it",
  },
  internal: {
    httpStatus: 500,
    grpcStatus: 13,
    responseClass: "mesh",
    isUnprocessed: false,
    hint: "a defect in weft; please report it with the log line",
  },
};
