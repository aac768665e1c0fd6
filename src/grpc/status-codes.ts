/** gRPC's status codes as numbers, and what HTTP's statuses and HTTP/2's resets are among them. */
import type { StreamOutcome } from "../http2/index.ts";

/** What RST_STREAM says, by name. */
export type ResetCode = Extract<StreamOutcome, { kind: "reset" }>["code"];

export const grpcCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const;

const { ok, cancelled, unknown, deadline_exceeded, permission_denied } = grpcCodes;
const { resource_exhausted, unimplemented, internal, unavailable, unauthenticated } = grpcCodes;

const names = Object.keys(grpcCodes).map((name) => name.toUpperCase());

/** As google.rpc.Code spells it: "PERMISSION_DENIED". Undefined: the number has no name. */
export function grpcStatusName(status: number): string | undefined {
  return names[status];
}

/** The highest number that has a name. */
export const maxGrpcCode = grpcCodes.unauthenticated;

/**
 * The status of a response that carries no `grpc-status` (gRPC's http-grpc-status-mapping.md). Never the way back: what a
 * proxy answers is decided by its reason.
 */
export function httpStatusToGrpc(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
    case 431:
      return internal;
    case 401:
      return unauthenticated;
    case 403:
      return permission_denied;
    case 404:
      return unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return unavailable;
    default:
      return unknown;
  }
}

/** The status of a call whose stream its peer reset (gRPC's PROTOCOL-HTTP2.md, "Errors"). */
export function resetCodeToGrpc(code: ResetCode): number {
  switch (code) {
    case "refused_stream":
      return unavailable;
    case "cancel":
      return cancelled;
    case "enhance_your_calm":
      return resource_exhausted;
    case "inadequate_security":
      return permission_denied;
    default:
      return internal;
  }
}

/**
 * What to reset a stream with, so that the peer learns the status where neither head nor trailers can tell it any more, and
 * what to reset an upstream's with when its call is over before its answer: a deadline counts as the client's
 * cancellation. REFUSED_STREAM invites the peer to repeat the call, so only `isUnprocessed` calls get it.
 */
export function grpcToResetCode(status: number, isUnprocessed = false): ResetCode {
  if (isUnprocessed) return "refused_stream";
  switch (status) {
    case ok:
      return "no_error";
    case cancelled:
    case deadline_exceeded:
      return "cancel";
    case resource_exhausted:
      return "enhance_your_calm";
    case permission_denied:
      return "inadequate_security";
    default:
      return "internal_error";
  }
}
