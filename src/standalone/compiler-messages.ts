/** What a gateway and the process that compiles for it say to each other. Both are one program of one version, joined by the channel of the spawn. */
import { type ErrorCode, exitCodes, type Issue, WeftError } from "../kernel/index.ts";
import type { KeySetChange } from "../compile/index.ts";
import type { SuppliedChange } from "../proxy/index.ts";

export type ToCompiler =
  | { readonly kind: "load"; readonly keySets: readonly KeySetChange[] }
  /** `saved`: of the compiler before. */
  | { readonly kind: "reload"; readonly saved: Uint8Array; readonly keySets: readonly KeySetChange[] }
  /** The change is live. */
  | { readonly kind: "committed" };

export type FromCompiler =
  | { readonly kind: "hello" }
  /** `files`: the state of the files that it is of. */
  | {
      readonly kind: "loaded";
      readonly files: string;
      readonly everything: SuppliedChange;
      readonly saved: Uint8Array;
      readonly wantedJwks: readonly string[];
    }
  | { readonly kind: "failed"; readonly error: SentError }
  | { readonly kind: "commit"; readonly change: SuppliedChange }
  /** What there is to say about the change has been said. */
  | { readonly kind: "reloaded"; readonly saved: Uint8Array; readonly wantedJwks: readonly string[] };

interface SentError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly issues: readonly Issue[];
}

export function isToCompiler(message: unknown): message is ToCompiler {
  return hasKind(message, ["load", "reload", "committed"]);
}

export function isFromCompiler(message: unknown): message is FromCompiler {
  return hasKind(message, ["hello", "loaded", "failed", "commit", "reloaded"]);
}

function hasKind(message: unknown, kinds: readonly string[]): boolean {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  return typeof message.kind === "string" && kinds.includes(message.kind);
}

export function sentError(error: unknown): SentError {
  if (!(error instanceof WeftError)) {
    return { code: "internal", message: String(error), hint: undefined, issues: [] };
  }
  return { code: error.code, message: error.message, hint: error.hint, issues: error.issues };
}

export function receivedError({ code, message, hint, issues }: SentError): WeftError {
  const known = isErrorCode(code) ? code : "internal";
  return new WeftError(known, message, { ...(hint === undefined ? {} : { hint }), issues });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(exitCodes, code);
}
