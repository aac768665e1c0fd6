/** Error numbers of Linux: their names, words for people, and weft's codes. The only file that knows them. */
import { type ErrorCode, WeftError } from "../kernel/index.ts";

interface Errno {
  readonly name: string;
  readonly words: string;
  readonly code: ErrorCode;
}

function errno(name: string, code: ErrorCode, words: string): Errno {
  return { name, words, code };
}

/** The same on x86-64 and arm64; those that the calls of this room can answer with. */
const table: Readonly<Record<number, Errno>> = {
  1: errno("EPERM", "permission", "operation not permitted"),
  2: errno("ENOENT", "not_found", "no such file or directory"),
  3: errno("ESRCH", "not_found", "no such process"),
  7: errno("E2BIG", "bad_input", "arguments and environment are too long"),
  8: errno("ENOEXEC", "bad_input", "not a program that this machine can run"),
  9: errno("EBADF", "internal", "bad descriptor"),
  11: errno("EAGAIN", "timeout", "no answer in time"),
  12: errno("ENOMEM", "exhausted", "out of memory"),
  13: errno("EACCES", "permission", "permission denied"),
  16: errno("EBUSY", "conflict", "busy"),
  17: errno("EEXIST", "already_exists", "exists already"),
  19: errno("ENODEV", "not_found", "no such device"),
  20: errno("ENOTDIR", "bad_input", "not a directory"),
  22: errno("EINVAL", "internal", "invalid argument"),
  23: errno("ENFILE", "exhausted", "the system's table of open files is full"),
  24: errno("EMFILE", "exhausted", "too many open files"),
  26: errno("ETXTBSY", "conflict", "the program is being written"),
  28: errno("ENOSPC", "exhausted", "no space or the limit of namespaces is reached"),
  34: errno("ERANGE", "bad_input", "out of range"),
  38: errno("ENOSYS", "unavailable", "not implemented by this kernel"),
  40: errno("ELOOP", "bad_input", "too many symbolic links"),
  87: errno("EUSERS", "exhausted", "too many nested user namespaces"),
  93: errno("EPROTONOSUPPORT", "unavailable", "protocol not supported by this kernel"),
  95: errno("EOPNOTSUPP", "unavailable", "not supported by this kernel"),
  97: errno("EAFNOSUPPORT", "unavailable", "address family not supported by this kernel"),
  98: errno("EADDRINUSE", "address_in_use", "address in use"),
  99: errno("EADDRNOTAVAIL", "not_found", "no such address"),
  100: errno("ENETDOWN", "unavailable", "network is down"),
  101: errno("ENETUNREACH", "unreachable", "network unreachable"),
  105: errno("ENOBUFS", "exhausted", "no buffer space"),
};

/** `ENOENT`, or the bare number. */
export function errnoName(number: number): string {
  return table[number]?.name ?? `errno ${number}`;
}

export interface ErrnoContext {
  /** What the kernel itself said about it, where it said more than a number. */
  readonly detail?: string;
  readonly hint?: string;
}

/** `what: words (NAME)`, with the errno's number as a field, so that callers can tell errors apart without text. */
export function errnoError(what: string, number: number, context: ErrnoContext = {}): WeftError {
  const known = table[number];
  const words = context.detail ?? known?.words ?? "failed";
  return new WeftError(known?.code ?? "io", `${what}: ${words} (${errnoName(number)})`, {
    fields: { errno: number },
    ...(context.hint === undefined ? {} : { hint: context.hint }),
  });
}

export function errnoOf(error: unknown): number | undefined {
  const number = error instanceof WeftError ? error.fields["errno"] : undefined;
  return typeof number === "number" ? number : undefined;
}

export const EPERM = 1;
export const ENOENT = 2;
export const EAGAIN = 11;
export const EACCES = 13;
export const ENODEV = 19;
