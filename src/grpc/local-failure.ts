/** What a caller is told of a call that the mesh itself ended: gRPC's status, whose side it was on, and the request's id. */
import { type ReasonCode, reasons } from "../kernel/index.ts";

export interface GrpcFailure {
  /** google.rpc.Code's number. */
  readonly status: number;
  /** Plain text; `trailersOnlyHead` and `statusTrailers` encode it. */
  readonly message: string;
}

/** An empty id: there is none to tell. */
export function grpcFailureOf(reason: ReasonCode, requestId: string): GrpcFailure {
  const { grpcStatus, responseClass } = reasons[reason];
  const side = `${responseClass} error`;
  return { status: grpcStatus, message: requestId === "" ? side : `${side}, request ${requestId}` };
}
