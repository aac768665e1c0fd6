/** A call's status for code that makes and serves calls: by name, with its text, and as weft's errors. */
import { type ErrorCode, WeftError } from "../kernel/index.ts";
import type { StreamOutcome } from "../http2/index.ts";
import { grpcCodes, httpStatusToGrpc } from "../kernel/index.ts";
import { resetCodeToGrpc } from "./status-codes.ts";

export type GrpcCode = keyof typeof grpcCodes;

export interface GrpcStatus {
  readonly code: GrpcCode;
  readonly message: string;
}

export const okStatus: GrpcStatus = { code: "ok", message: "" };

const codeNames = new Map<number, GrpcCode>(
  Object.entries(grpcCodes).flatMap(([name, number]) => (isGrpcCode(name) ? [[number, name]] : [])),
);

const codesOfErrors: Record<ErrorCode, GrpcCode> = {
  usage: "invalid_argument",
  bad_input: "invalid_argument",
  not_found: "not_found",
  already_exists: "already_exists",
  conflict: "aborted",
  unauthenticated: "unauthenticated",
  forbidden: "permission_denied",
  permission: "permission_denied",
  address_in_use: "unavailable",
  unreachable: "unavailable",
  timeout: "deadline_exceeded",
  unavailable: "unavailable",
  exhausted: "resource_exhausted",
  io: "unavailable",
  internal: "internal",
};

const errorsOfCodes: Record<GrpcCode, ErrorCode> = {
  ok: "internal",
  cancelled: "unavailable",
  unknown: "internal",
  invalid_argument: "bad_input",
  deadline_exceeded: "timeout",
  not_found: "not_found",
  already_exists: "already_exists",
  permission_denied: "forbidden",
  resource_exhausted: "exhausted",
  failed_precondition: "conflict",
  aborted: "conflict",
  out_of_range: "bad_input",
  unimplemented: "internal",
  internal: "internal",
  unavailable: "unavailable",
  data_loss: "io",
  unauthenticated: "unauthenticated",
};

/** A number without a name counts as unknown, as gRPC asks. */
function grpcCodeName(number: number): GrpcCode {
  return codeNames.get(number) ?? "unknown";
}

/** Undefined where the text is no number at all. */
export function parseGrpcCode(text: string): GrpcCode | undefined {
  return /^[0-9]{1,3}$/.test(text) ? grpcCodeName(Number(text)) : undefined;
}

/** What a caller is told of an error. Only a WeftError was made to be shown; anything else is a defect. */
export function statusOfError(error: unknown): GrpcStatus {
  if (!(error instanceof WeftError)) return { code: "internal", message: "internal error" };
  const number = error.fields["grpcStatus"];
  const code = typeof number === "number" ? grpcCodeName(number) : codesOfErrors[error.code];
  return { code: code === "ok" ? "internal" : code, message: error.message };
}

/** `what` names the call, for the message. `fields.grpcStatus` is google.rpc.Code's number. */
export function errorOfStatus(status: GrpcStatus, what: string): WeftError {
  const detail = status.message === "" ? status.code.replaceAll("_", " ") : status.message;
  return new WeftError(errorsOfCodes[status.code], `${what}: ${detail}`, {
    fields: { grpcStatus: grpcCodes[status.code] },
  });
}

/** A response that is not gRPC's at all, from something in between. */
export function statusOfHttp(httpStatus: string): GrpcStatus {
  const message = `HTTP status ${httpStatus} instead of a gRPC response`;
  return { code: grpcCodeName(httpStatusToGrpc(Number(httpStatus))), message };
}

/** A stream that ended without a status (gRPC's PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping"). */
export function statusOfOutcome(outcome: StreamOutcome): GrpcStatus {
  if (outcome.kind === "done") return { code: "internal", message: "the stream ended without a status" };
  if (outcome.kind === "lost") return { code: "unavailable", message: outcome.detail };
  const message = `stream reset: ${outcome.detail === "" ? outcome.code.replaceAll("_", " ") : outcome.detail}`;
  return { code: grpcCodeName(resetCodeToGrpc(outcome.code)), message };
}

function isGrpcCode(name: string): name is GrpcCode {
  return Object.hasOwn(grpcCodes, name);
}
