/** Statuses of gRPC calls, numbers of google.rpc.Code. */

/**
 * What a server is to blame for, by OpenTelemetry's conventions for RPC: unknown, deadline exceeded, unimplemented, internal,
 * unavailable, data loss.
 */
const serverFaults: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function isGrpcServerFault(status: number): boolean {
  return serverFaults.has(status);
}

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

const { unknown, permission_denied, unimplemented, internal, unavailable, unauthenticated } = grpcCodes;

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

/**
 * google.rpc.Code's mapping to HTTP, for golden signals: a call that failed on the server's side counts as one, whatever
 * HTTP says. Index: the code.
 */
const httpStatuses: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

export function httpStatusOfGrpc(status: number): number {
  return httpStatuses[status] ?? 500;
}
