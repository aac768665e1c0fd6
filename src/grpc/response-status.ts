/** The status of a call that only passes through, for metrics and logs: no message is read for it. */
import type { StreamOutcome } from "../http2/index.ts";
import { grpcCodes, httpStatusToGrpc } from "../kernel/index.ts";
import { maxGrpcCode, resetCodeToGrpc } from "./status-codes.ts";

/** Heads and trailers of either protocol. */
export interface FieldSource {
  get(name: string): string | undefined;
}

/**
 * From trailers, or from a head that ended the stream: a status in any other head means nothing. Undefined where there is
 * none. What is no number, or none that has a name, counts as unknown.
 */
export function readGrpcStatus(fields: FieldSource): number | undefined {
  const text = fields.get("grpc-status");
  if (text === undefined) return undefined;
  const status = /^[0-9]{1,2}$/.test(text) ? Number(text) : grpcCodes.unknown;
  return status <= maxGrpcCode ? status : grpcCodes.unknown;
}

/** What the caller's library makes of a response without a status. `httpStatus` 0: there was no head. */
export function impliedGrpcStatus(httpStatus: number, outcome: StreamOutcome): number {
  if (httpStatus !== 0 && httpStatus !== 200) return httpStatusToGrpc(httpStatus);
  switch (outcome.kind) {
    case "done":
      return httpStatus === 0 ? grpcCodes.internal : grpcCodes.unknown;
    case "lost":
      return grpcCodes.unavailable;
    case "reset":
      return resetCodeToGrpc(outcome.code);
  }
}
