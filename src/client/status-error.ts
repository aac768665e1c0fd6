/** Kubernetes' `Status` as an error of weft: by its reason, else by the HTTP status; every cause becomes an issue. */
import { decodeMessage, type KubeStatus, kubeStatusSchema } from "../api/index.ts";
import { type ErrorCode, type Issue, WeftError } from "../kernel/index.ts";

const codeOfReason: Readonly<Record<string, ErrorCode>> = {
  BadRequest: "usage",
  Invalid: "bad_input",
  NotFound: "not_found",
  AlreadyExists: "already_exists",
  Conflict: "conflict",
  Expired: "conflict",
  Unauthorized: "unauthenticated",
  Forbidden: "forbidden",
  ServiceUnavailable: "unavailable",
  Timeout: "timeout",
  TooManyRequests: "exhausted",
  RequestEntityTooLarge: "exhausted",
};

const codeOfHttpStatus: Readonly<Record<number, ErrorCode>> = {
  400: "usage",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "usage",
  409: "conflict",
  410: "conflict",
  413: "exhausted",
  422: "bad_input",
  429: "exhausted",
  503: "unavailable",
  504: "timeout",
  507: "io",
};

/** `body` is whatever came with the status: a `Status`, or something else where that is not our server. */
export function errorOfResponse(httpStatus: number, body: unknown, place: string): WeftError {
  const status = readStatus(body);
  if (status !== undefined) return errorOfStatus({ code: httpStatus, ...status });
  return new WeftError(codeOfHttpStatus[httpStatus] ?? "internal", `${place} answered HTTP ${httpStatus}`, {
    hint: "is that a weft control plane?",
    fields: { httpStatus },
  });
}

export function errorOfStatus(status: KubeStatus): WeftError {
  const { code = 500, reason = "", message = `the server answered ${code}` } = status;
  const issues: Issue[] = (status.details?.causes ?? []).map((cause) => ({
    path: cause.field ?? "",
    message: cause.message ?? cause.reason ?? "",
  }));
  return new WeftError(codeOfReason[reason] ?? codeOfHttpStatus[code] ?? "internal", message, {
    issues,
    fields: { httpStatus: code, reason },
  });
}

export function readStatus(body: unknown): KubeStatus | undefined {
  const decoded = decodeMessage(kubeStatusSchema, body, "response");
  return "object" in decoded ? decoded.object : undefined;
}
