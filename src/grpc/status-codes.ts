/** Names of gRPC's status codes, and what HTTP/2's resets are among them. */
import type { StreamOutcome } from "../http2/index.ts";
import { grpcCodes } from "../kernel/index.ts";

/** What RST_STREAM says, by name. */
export type ResetCode = Extract<StreamOutcome, { kind: "reset" }>["code"];

const { ok, cancelled, deadline_exceeded, permission_denied } = grpcCodes;
const { resource_exhausted, internal, unavailable } = grpcCodes;

const names = Object.keys(grpcCodes).map((name) => name.toUpperCase());

/** As google.rpc.Code spells it: "PERMISSION_DENIED". Undefined: the number has no name. */
export function grpcStatusName(status: number): string | undefined {
  return names[status];
}

/** The highest number that has a name. */
export const maxGrpcCode = grpcCodes.unauthenticated;

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
