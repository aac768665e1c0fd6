/** Answers in Kubernetes' form: objects as JSON, every failure as a `Status` with a reason and one cause for each issue. */
import { type KindName, kinds, type KubeStatus, type Stored } from "../api/index.ts";
import { type ErrorCode, errorLine, httpStatuses, type Issue, type Log, WeftError } from "../kernel/index.ts";

/** More would not be read by anybody. */
const maxCauses = 1000;

const reasonNames: Record<ErrorCode, string> = {
  usage: "BadRequest",
  bad_input: "Invalid",
  not_found: "NotFound",
  already_exists: "AlreadyExists",
  conflict: "Conflict",
  unauthenticated: "Unauthorized",
  forbidden: "Forbidden",
  permission: "Forbidden",
  address_in_use: "Conflict",
  unreachable: "ServiceUnavailable",
  timeout: "Timeout",
  unavailable: "ServiceUnavailable",
  exhausted: "TooManyRequests",
  io: "InternalError",
  internal: "InternalError",
};

export function json(value: unknown, status = 200): Response {
  return Response.json(value, { status });
}

export function success(kind: KindName, object: Stored): Response {
  const { group } = kinds[kind];
  const status: KubeStatus = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: object.metadata.name, group, kind: kinds[kind].plural, uid: object.metadata.uid },
  };
  return json(status);
}

/** What went wrong, for programs and people. A defect is logged here, once, and its details stay here. */
export function failure(error: unknown, log: Log): Response {
  if (!(error instanceof WeftError)) {
    log.error("a request to the API met a defect", { error: errorLine(error), stack: stackOf(error) });
    return statusResponse(new WeftError("internal", "a defect in the control plane; its log says more"));
  }
  return statusResponse(error);
}

export function statusOf(error: WeftError): KubeStatus {
  const { fields } = error;
  const token = fields["continue"];
  const causeReason = textOf(fields["causeReason"]) ?? "FieldValueInvalid";
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: token === undefined ? {} : { continue: token },
    status: "Failure",
    message: errorLine(error),
    reason: textOf(fields["reason"]) ?? reasonNames[error.code],
    code: httpStatus(error),
    details: {
      ...aboutWhat(fields),
      causes: issuesOf(error)
        .slice(0, maxCauses)
        .map(({ path, message }) => ({
          reason: causeReason,
          message,
          field: path,
        })),
    },
  };
}

function statusResponse(error: WeftError): Response {
  return json(statusOf(error), httpStatus(error));
}

/** HTTP tells some refusals apart for which weft has one code. */
function httpStatus(error: WeftError): number {
  const own = error.fields["httpStatus"];
  return typeof own === "number" ? own : httpStatuses[error.code];
}

/** kubectl shows the causes of an invalid object, not the message. */
function issuesOf(error: WeftError): readonly Issue[] {
  if (error.issues.length > 0 || error.code !== "bad_input") return error.issues;
  return [{ path: "", message: error.message }];
}

/** The object that the refusal is about, where it is about one. */
function aboutWhat({ kind, group, name, retryAfterSeconds }: WeftError["fields"]): KubeStatus["details"] {
  const texts = Object.entries({ kind, group, name }).filter(([, value]) => textOf(value) !== undefined);
  return {
    ...Object.fromEntries(texts),
    ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds } : {}),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? "") : "";
}
