/** What a provider asks of a token's claims, whoever signed them (RFC 7519 section 4.1). Pure. */
import type { Claims } from "../../../decide/index.ts";
import type { JwtProvider } from "../../../model/index.ts";
import { fault, type TokenFault } from "./token-fault.ts";

/** When the token holds, the skew of clocks included: from the first to before the last. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

type Expectations = Pick<JwtProvider, "audiences" | "clockSkewSeconds" | "maxAgeSeconds">;

export function checkClaims(claims: Claims, expected: Expectations, nowMs: number): Validity | TokenFault {
  const { exp, nbf, iat, aud, sub } = claims;
  // A token without an end is a password.
  if (!isTime(exp)) return fault("malformed", "it has no exp, or one that is no time");
  if (nbf !== undefined && !isTime(nbf)) return fault("malformed", "its nbf is no time");
  if (iat !== undefined && !isTime(iat)) return fault("malformed", "its iat is no time");
  if (sub !== undefined && typeof sub !== "string") return fault("malformed", "its sub is no string");
  const age = checkAge(exp, iat, expected.maxAgeSeconds);
  if (age !== undefined) return age;
  const skewMs = expected.clockSkewSeconds * 1000;
  const validity = {
    fromMs: Math.max(nbf ?? -Infinity, iat ?? -Infinity) * 1000 - skewMs,
    untilMs: exp * 1000 + skewMs,
  };
  return checkAudience(aud, expected.audiences) ?? checkTime(validity, nowMs) ?? validity;
}

function checkTime({ fromMs, untilMs }: Validity, nowMs: number): TokenFault | undefined {
  if (nowMs >= untilMs) return fault("expired", `it expired ${seconds(nowMs - untilMs)} ago`);
  if (nowMs < fromMs)
    return fault("not_yet_valid", `it is valid in ${seconds(fromMs - nowMs)} only (nbf, iat)`);
  return undefined;
}

function checkAge(exp: number, iat: number | undefined, maxAgeSeconds: number): TokenFault | undefined {
  if (maxAgeSeconds === 0) return undefined;
  if (iat === undefined) return fault("too_long_lived", "it has no iat, so how long it lives is not known");
  if (exp - iat <= maxAgeSeconds) return undefined;
  return fault("too_long_lived", `it lives for ${exp - iat} s; ${maxAgeSeconds} s are allowed`);
}

/** A string, or a list of strings of which one suffices. */
function checkAudience(aud: unknown, audiences: readonly string[]): TokenFault | undefined {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : aud === undefined ? [] : [aud];
  if (!named.every((each) => typeof each === "string"))
    return fault("malformed", "its aud is no list of strings");
  if (audiences.length === 0 || named.some((each) => audiences.includes(each))) return undefined;
  return fault("wrong_audience", named.length === 0 ? "it has no aud" : "it is for other audiences");
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
