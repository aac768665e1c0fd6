/** What of Envoy's response flags each reason code is. `-`: Envoy sets none either; the reason stands in %RESPONSE_CODE_DETAILS%. */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";

/** In Envoy's long form, by the short one. */
export const longFlags = {
  DC: "DownstreamConnectionTermination",
  DPE: "DownstreamProtocolError",
  FI: "FaultInjected",
  NC: "NoClusterFound",
  NR: "NoRouteFound",
  OM: "OverloadManagerTerminated",
  RL: "RateLimited",
  SI: "StreamIdleTimeout",
  UAEX: "UnauthorizedExternalService",
  UC: "UpstreamConnectionTermination",
  UF: "UpstreamConnectionFailure",
  UH: "NoHealthyUpstream",
  UO: "UpstreamOverflow",
  UPE: "UpstreamProtocolError",
  URX: "UpstreamRetryLimitExceeded",
  UT: "UpstreamRequestTimeout",
} as const;

export type ResponseFlag = keyof typeof longFlags;

export const flagOfReason: Readonly<Record<ReasonCode, ResponseFlag | undefined>> = {
  malformed_request: "DPE",
  uri_too_long: "DPE",
  headers_too_large: "DPE",
  unsupported_request: "DPE",
  unsupported_version: "DPE",
  no_route: "NR",
  misdirected_request: "NR",
  protocol_mismatch: "DPE",
  backend_unresolved: "NC",
  no_endpoint: "UH",
  discovery_unavailable: "NC",
  destination_unknown: "NC",
  destination_denied: "NR",
  pool_exhausted: "UO",
  cluster_limit: "UO",
  upstream_connect_failed: "UF",
  upstream_connect_timeout: "UF",
  upstream_tls_failed: "UF",
  backend_tls_failed: "UF",
  upstream_identity_mismatch: "UF",
  upstream_reset: "UC",
  upstream_malformed: "UPE",
  request_timeout: "UT",
  try_timeout: "UT",
  stream_idle_timeout: "SI",
  idle_timeout: "SI",
  mtls_required: undefined,
  tls_handshake_failed: undefined,
  peer_untrusted: undefined,
  peer_identity_invalid: undefined,
  preface_malformed: "DPE",
  proxy_protocol_malformed: "DPE",
  target_unknown: "NC",
  application_unreachable: "UF",
  client_closed: "DC",
  client_timeout: undefined,
  draining: undefined,
  overloaded: "OM",
  jwt_missing: undefined,
  jwt_invalid: undefined,
  authorization_denied: undefined,
  external_denied: "UAEX",
  external_unavailable: "UAEX",
  rate_limited: "RL",
  peer_revoked: undefined,
  certificate_expired: "UF",
  fault_injected: "FI",
  internal: undefined,
};

/** Of what ended, in Envoy's order of words: the cause, then that tries were used up. */
export function responseFlags(outcome: HttpOutcome | TcpOutcome): readonly ResponseFlag[] {
  const { reason } = outcome;
  const flag = reason === undefined ? undefined : flagOfReason[reason];
  return [...(flag === undefined ? [] : [flag]), ...(hasUsedUpTries(outcome) ? ["URX" as const] : [])];
}

function hasUsedUpTries(outcome: HttpOutcome | TcpOutcome): boolean {
  const { reason } = outcome;
  const tries = "status" in outcome ? (outcome.tries?.count ?? 0) : outcome.attempts;
  if (tries < 2) return false;
  if (reason !== undefined) return reasons[reason].responseClass === "upstream";
  return "status" in outcome && outcome.status >= 500;
}
