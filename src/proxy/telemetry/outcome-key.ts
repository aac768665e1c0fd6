/** How an exchange ended, as one number: by it the cell of a request is found without making text. */
import { type ReasonCode, reasons } from "../../kernel/index.ts";

/** OpenTelemetry's known methods; the first one stands for none. Whatever else a client makes up is `_OTHER`. */
const methods = [
  "",
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
  "_OTHER",
];
const methodIndexes = new Map(methods.map((method, index) => [method, index]));
const otherMethod = methods.length - 1;
const getMethod = methods.indexOf("GET");

/** OpenTelemetry's name of an error that is not told apart from others. */
const otherReason = "_OTHER";
const reasonNames: readonly string[] = ["", ...Object.keys(reasons), otherReason];
const reasonIndexes = new Map(reasonNames.map((reason, index) => [reason, index]));

// method 4 bits | status 10 bits | gRPC status 5 bits | reason 7 bits: a small integer.
const reasonBits = 7;
const grpcShift = reasonBits;
const statusShift = grpcShift + 5;
const methodShift = statusShift + 10;
const reasonMask = (1 << reasonBits) - 1;
const grpcMask = 31 << grpcShift;
const statusMask = 1_023 << statusShift;
const methodMask = 15 << methodShift;
const maxStatus = 999;
const maxGrpcStatus = 16;

/** Parts of a key, to be left out. */
export const keyParts = {
  method: methodMask,
  /** Its class stays. */
  status: statusMask,
  grpcStatus: grpcMask,
  reason: reasonMask,
} as const;

export interface Outcome {
  /** Empty: none, or it is not told. */
  readonly method: string;
  /** 0: none. */
  readonly status: number;
  /** Undefined: no gRPC. */
  readonly grpcStatus: number | undefined;
  /** A reason code or `_OTHER`; empty: it went well. */
  readonly reason: string;
}

/** `status` that the caller got; `grpcStatus` undefined: no gRPC. An undefined `method` could not be read. */
export function httpKey(
  method: string | undefined,
  status: number,
  grpcStatus: number | undefined,
  reason: ReasonCode | undefined,
): number {
  let key =
    method === "GET" ? getMethod : method === undefined ? 0 : (methodIndexes.get(method) ?? otherMethod);
  key = (key << 10) | (status > 0 && status <= maxStatus ? status : 0);
  key = (key << 5) | (grpcStatus === undefined ? 0 : grpcStatus <= maxGrpcStatus ? grpcStatus + 1 : 3);
  return (key << reasonBits) | (reason === undefined ? 0 : (reasonIndexes.get(reason) ?? 0));
}

export function tcpKey(reason: ReasonCode | undefined): number {
  return reason === undefined ? 0 : (reasonIndexes.get(reason) ?? 0);
}

/** The key without `parts` (of `keyParts`, added up). Of a status the class stays, as 200, 300 and so on. */
export function withoutParts(key: number, parts: number): number {
  const kept = key & ~parts;
  return (parts & statusMask) === 0 ? kept : kept | ((Math.floor(statusOf(key) / 100) * 100) << statusShift);
}

/** What is left of an outcome where there is no room for more: the class of its status, and whether it failed. */
export function coarseKey(key: number): number {
  const kept = withoutParts(key, methodMask | grpcMask | statusMask | reasonMask);
  return (key & reasonMask) === 0 ? kept : kept | (reasonNames.length - 1);
}

export function readOutcome(key: number): Outcome {
  const grpc = (key & grpcMask) >> grpcShift;
  return {
    method: methods[(key & methodMask) >> methodShift] ?? "",
    status: statusOf(key),
    grpcStatus: grpc === 0 ? undefined : grpc - 1,
    reason: reasonNames[key & reasonMask] ?? "",
  };
}

function statusOf(key: number): number {
  return (key & statusMask) >> statusShift;
}
