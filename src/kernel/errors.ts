/**
 * The one error class of weft and its closed set of codes. Expected outcomes are returned, not thrown; this is for
 * start-up, control-plane calls and the command line. The data path uses reason codes (reason.ts).
 */

export type ErrorCode =
  | "usage"
  | "bad_input"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "unauthenticated"
  | "forbidden"
  | "permission"
  | "address_in_use"
  | "unreachable"
  | "timeout"
  | "unavailable"
  | "exhausted"
  | "io"
  | "internal";

/** Exit codes of the command line: 0 done, 1 the answer is no, 64 usage, 65 bad input, 69 unreachable, 70 bug. */
export const exitCodes: Record<ErrorCode, number> = {
  usage: 64,
  bad_input: 65,
  not_found: 1,
  already_exists: 1,
  conflict: 1,
  unauthenticated: 1,
  forbidden: 1,
  permission: 1,
  address_in_use: 1,
  unreachable: 69,
  timeout: 1,
  unavailable: 69,
  exhausted: 1,
  io: 1,
  internal: 70,
};

export const httpStatuses: Record<ErrorCode, number> = {
  usage: 400,
  bad_input: 422,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  unauthenticated: 401,
  forbidden: 403,
  permission: 403,
  address_in_use: 409,
  unreachable: 503,
  timeout: 504,
  unavailable: 503,
  exhausted: 429,
  io: 507,
  internal: 500,
};

/** One problem in something that a person wrote. `path` is a field path such as `spec.rules[0].matches`. */
export interface Issue {
  readonly path: string;
  readonly message: string;
  /** The file and line that it stands in, where known. */
  readonly file?: string;
  readonly line?: number;
}

export interface WeftErrorOptions {
  readonly cause?: unknown;
  /** What to do about it, in one clause. */
  readonly hint?: string;
  readonly issues?: readonly Issue[];
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

export class WeftError extends Error {
  override readonly name = "WeftError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: WeftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.issues = options.issues ?? [];
    this.fields = options.fields ?? {};
  }
}

/** One line that a person can act on: what failed, then the hint. Never a stack. */
export function errorLine(error: unknown): string {
  if (error instanceof WeftError) {
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** `file:line: path: message`, leaving out what is not known. */
export function issueLine(issue: Issue): string {
  const where =
    issue.file === undefined ? "" : `${issue.file}${issue.line === undefined ? "" : `:${issue.line}`}: `;
  return `${where}${issue.path === "" ? "" : `${issue.path}: `}${issue.message}`;
}
