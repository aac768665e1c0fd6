/** What callers learn of the mesh's own failures, and that each reason's status is the one of gRPC's statuscodes.md. */
import { expect, test } from "bun:test";
import { type ReasonCode, reasons } from "../kernel/index.ts";
import { grpcFailureOf } from "./local-failure.ts";
import { statusTrailers, trailersOnlyHead } from "./response-fields.ts";

/** By gRPC's status, with the row of the document (or the mapping) that says so. */
const rows: Readonly<Record<number, readonly ReasonCode[]>> = {
  // "Client Application cancelled the request"
  1: ["client_closed"],
  // "Deadline expires before server returns status", "when the client is unable to send the request"
  4: ["request_timeout", "try_timeout", "stream_idle_timeout", "idle_timeout", "client_timeout"],
  // Refused by policy; INADEQUATE_SECURITY is PERMISSION_DENIED: "protocol is not secure enough for call"
  7: [
    ...(["destination_denied", "mtls_required"] as const),
    ...(["authorization_denied", "external_denied", "external_unavailable"] as const),
  ],
  // "Server temporarily out of resources"
  8: ["pool_exhausted", "cluster_limit", "overloaded", "rate_limited"],
  // "Method not found at server"; what a GRPCRoute answers where no rule matches
  12: ["unsupported_request", "unsupported_version", "no_route"],
  // HTTP 400 and 431, protocol violations, defects
  13: [
    ...(["malformed_request", "uri_too_long", "headers_too_large", "preface_malformed"] as const),
    ...(["protocol_mismatch", "proxy_protocol_malformed", "upstream_malformed", "internal"] as const),
  ],
  // "Server shutting down", "connection breaks", and what may be mended by trying again
  14: [
    ...(["backend_unresolved", "no_endpoint", "discovery_unavailable", "destination_unknown"] as const),
    ...(["upstream_connect_failed", "upstream_connect_timeout", "upstream_tls_failed"] as const),
    ...(["upstream_identity_mismatch", "upstream_reset", "target_unknown"] as const),
    ...(["application_unreachable", "draining", "backend_tls_failed", "fault_injected"] as const),
    "certificate_expired",
  ],
  // "Incorrect Auth metadata", of which "Invalid host set in :authority" is one
  16: [
    ...(["tls_handshake_failed", "peer_untrusted", "peer_identity_invalid", "peer_revoked"] as const),
    ...(["misdirected_request", "jwt_missing", "jwt_invalid"] as const),
  ],
};

test("every reason has the status of its row", () => {
  const wanted = Object.entries(rows).flatMap(([status, codes]) =>
    codes.map((code): [string, number] => [code, Number(status)]),
  );
  const is = Object.entries(reasons).map(([code, { grpcStatus }]): [string, number] => [code, grpcStatus]);
  expect(Object.fromEntries(is)).toEqual(Object.fromEntries(wanted));
});

test("a caller learns the class and the request's id, not the reason", () => {
  for (const code of Object.values(rows).flat()) {
    const { message } = grpcFailureOf(code, "7f3a");
    expect(message).toMatch(/^(client|mesh|upstream) error, request 7f3a$/);
  }
  expect(grpcFailureOf("no_endpoint", "")).toEqual({ status: 14, message: "mesh error" });
});

test("a failure is a whole response of one head, or trailers behind a response that had begun", () => {
  const { status, message } = grpcFailureOf("upstream_reset", "a\nb");
  expect(trailersOnlyHead(status, message).entries()).toEqual([
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "14"],
    ["grpc-message", "upstream error, request a%0Ab"],
  ]);
  expect(statusTrailers(status, message).entries()).toEqual([
    ["grpc-status", "14"],
    ["grpc-message", "upstream error, request a%0Ab"],
  ]);
  expect(statusTrailers(0, "").entries()).toEqual([["grpc-status", "0"]]);
});
