/**
 * Why a request or connection was refused or failed: a closed set. Each code answers in every table below, so a new
 * code does not compile until it has an HTTP status, a gRPC status, a class that callers may see, and a hint.
 */

export type ReasonCode =
  | "malformed_request"
  | "uri_too_long"
  | "headers_too_large"
  | "unsupported_request"
  | "no_route"
  | "backend_unresolved"
  | "no_endpoint"
  | "discovery_unavailable"
  | "destination_unknown"
  | "destination_denied"
  | "pool_exhausted"
  | "upstream_connect_failed"
  | "upstream_connect_timeout"
  | "upstream_tls_failed"
  | "upstream_identity_mismatch"
  | "upstream_reset"
  | "upstream_malformed"
  | "request_timeout"
  | "idle_timeout"
  | "mtls_required"
  | "tls_handshake_failed"
  | "peer_untrusted"
  | "peer_identity_invalid"
  | "preface_malformed"
  | "target_unknown"
  | "application_unreachable"
  | "client_closed"
  | "client_timeout"
  | "draining"
  | "overloaded"
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

function reason(
  httpStatus: number,
  grpcStatus: number,
  responseClass: Reason["responseClass"],
  isUnprocessed: boolean,
  hint: string,
): Reason {
  return { httpStatus, grpcStatus, responseClass, isUnprocessed, hint };
}

export const reasons: Record<ReasonCode, Reason> = {
  malformed_request: reason(
    400,
    13,
    "client",
    true,
    "the client sent bytes that are not valid HTTP; see the log's detail",
  ),
  uri_too_long: reason(414, 13, "client", true, "the request target is longer than the limit"),
  headers_too_large: reason(
    431,
    13,
    "client",
    true,
    "the request's headers are more or larger than the limit",
  ),
  unsupported_request: reason(
    501,
    12,
    "client",
    true,
    "this method, version or coding is not supported here",
  ),
  no_route: reason(
    404,
    12,
    "mesh",
    true,
    "no rule of the attached routes matches; run weft describe on the route",
  ),
  backend_unresolved: reason(
    500,
    14,
    "mesh",
    true,
    "the route names a backend that does not exist; see its ResolvedRefs condition",
  ),
  no_endpoint: reason(
    503,
    14,
    "mesh",
    true,
    "the service has no live endpoint; are its workloads running and selected?",
  ),
  discovery_unavailable: reason(
    503,
    14,
    "mesh",
    true,
    "the destination was not known in time; is the control plane reachable?",
  ),
  destination_unknown: reason(
    502,
    14,
    "mesh",
    true,
    "the address lies in the mesh's prefixes but belongs to nothing",
  ),
  destination_denied: reason(502, 14, "mesh", true, "MeshConfig denies destinations outside the mesh"),
  pool_exhausted: reason(
    503,
    14,
    "mesh",
    true,
    "all connections are busy and the queue is full; raise the limit or add instances",
  ),
  upstream_connect_failed: reason(
    503,
    14,
    "upstream",
    true,
    "the endpoint refused the connection; is the peer proxy running?",
  ),
  upstream_connect_timeout: reason(
    503,
    14,
    "upstream",
    true,
    "the endpoint did not accept the connection in time",
  ),
  upstream_tls_failed: reason(
    503,
    14,
    "upstream",
    true,
    "the TLS handshake with the endpoint failed; compare trust roots and clocks",
  ),
  upstream_identity_mismatch: reason(
    503,
    14,
    "upstream",
    true,
    "the endpoint proved another identity than the service's",
  ),
  upstream_reset: reason(
    502,
    14,
    "upstream",
    false,
    "the connection to the endpoint ended before the response did",
  ),
  upstream_malformed: reason(502, 13, "upstream", false, "the application's answer is not valid HTTP"),
  request_timeout: reason(504, 4, "upstream", false, "the route's request timeout passed"),
  idle_timeout: reason(408, 4, "client", false, "nothing was sent for longer than the idle timeout"),
  mtls_required: reason(
    403,
    7,
    "mesh",
    true,
    "the workload requires mTLS and the connection came in plaintext",
  ),
  tls_handshake_failed: reason(403, 16, "mesh", true, "the TLS handshake did not complete"),
  peer_untrusted: reason(
    403,
    16,
    "mesh",
    true,
    "the peer's certificate does not chain to a trusted root or is expired",
  ),
  peer_identity_invalid: reason(
    403,
    16,
    "mesh",
    true,
    "the peer's certificate carries no SPIFFE identity of this trust domain",
  ),
  preface_malformed: reason(
    400,
    13,
    "client",
    true,
    "the peer's preface could not be read; are both proxies' versions compatible?",
  ),
  target_unknown: reason(503, 14, "mesh", true, "the preface names an address that is not this workload's"),
  application_unreachable: reason(
    503,
    14,
    "upstream",
    true,
    "the application did not accept the connection; is it listening on the port?",
  ),
  client_closed: reason(499, 1, "client", false, "the client went away before the response was complete"),
  client_timeout: reason(408, 4, "client", true, "the client did not send its request's head in time"),
  draining: reason(503, 14, "mesh", true, "the proxy is shutting down"),
  overloaded: reason(503, 8, "mesh", true, "a limit of the proxy was reached; see its metrics"),
  internal: reason(500, 13, "mesh", false, "a defect in weft; please report it with the log line"),
};
