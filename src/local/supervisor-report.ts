/** What the supervisor inside the fabric tells the process outside: that all is ready, or why it is not. */
import { type Issue, WeftError } from "../kernel/index.ts";
import { type InnerMessage, reportToOuter } from "./inner-report.ts";
import type { MeshReady } from "./mesh.ts";

export type SupervisorOutcome =
  | { readonly kind: "ready"; readonly ready: MeshReady }
  | { readonly kind: "failed"; readonly error: WeftError };

interface PlainError {
  readonly code: WeftError["code"];
  readonly message: string;
  readonly hint?: string;
  readonly issues: readonly Issue[];
}

/** A message holds flat fields, so what has a shape goes as text inside. */
export function reportOutcome(outcome: SupervisorOutcome): void {
  const content = outcome.kind === "ready" ? outcome.ready : plainError(outcome.error);
  reportToOuter({ event: "status", fields: { kind: outcome.kind, content: JSON.stringify(content) } });
}

export function readOutcome(message: InnerMessage): SupervisorOutcome | undefined {
  if (message.event !== "status" || typeof message.fields["content"] !== "string") return undefined;
  const content = message.fields["content"];
  switch (message.fields["kind"]) {
    case "ready":
      return { kind: "ready", ready: JSON.parse(content) };
    case "failed":
      return { kind: "failed", error: weftError(JSON.parse(content)) };
    default:
      return undefined;
  }
}

function plainError(error: WeftError): PlainError {
  const { code, message, hint, issues } = error;
  return { code, message, issues, ...(hint === undefined ? {} : { hint }) };
}

function weftError({ code, message, hint, issues }: PlainError): WeftError {
  return new WeftError(code, message, { issues, ...(hint === undefined ? {} : { hint }) });
}

/** Whatever was thrown, as the one error class that travels. */
export function asWeftError(error: unknown): WeftError {
  if (error instanceof WeftError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new WeftError("internal", message, { cause: error });
}
