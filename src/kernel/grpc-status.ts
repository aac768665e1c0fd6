/** Statuses of gRPC calls, numbers of google.rpc.Code. */

/**
 * What a server is to blame for, by OpenTelemetry's conventions for RPC: unknown, deadline exceeded, unimplemented, internal,
 * unavailable, data loss.
 */
const serverFaults: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function isGrpcServerFault(status: number): boolean {
  return serverFaults.has(status);
}
