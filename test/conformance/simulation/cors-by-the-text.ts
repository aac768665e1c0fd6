/** Cross-origin requests, by the text of Gateway API's HTTPCORSFilter and of the Fetch standard. */
import { type Cors, headerOf, type Question } from "./applied.ts";

export interface CorsAnswer {
  /** Answered by whoever has the filter. */
  readonly isPreflight: boolean;
  readonly isAllowed: boolean;
  readonly origin: string;
  readonly requestedMethod: string;
  readonly cors: Cors;
}

/** Undefined: it is from no other origin, so nothing is said. */
export function corsByTheText(cors: Cors | undefined, question: Question): CorsAnswer | undefined {
  const origin = headerOf(question, "origin");
  if (cors === undefined || origin === undefined) return undefined;
  const requestedMethod = headerOf(question, "access-control-request-method") ?? "";
  return {
    isPreflight: question.method === "OPTIONS" && requestedMethod !== "",
    isAllowed: cors.allowOrigins.some((allowed) => isOrigin(allowed, origin)),
    ...{ origin, requestedMethod, cors },
  };
}

/** Gateway API leaves open which; a browser reads no more of it than whether it is a success. */
export function isPreflightStatus({ isAllowed }: CorsAnswer, status: number): boolean {
  return status === 200 || status === 204 || (!isAllowed && status === 403);
}

/** `https://*.shop.test` is any host below; `*` any origin. */
function isOrigin(allowed: string, origin: string): boolean {
  if (allowed === "*" || allowed === origin) return true;
  const [scheme = "", suffix] = allowed.split("*");
  return (
    suffix !== undefined &&
    origin.startsWith(scheme) &&
    origin.endsWith(suffix) &&
    origin.length > scheme.length + suffix.length
  );
}
