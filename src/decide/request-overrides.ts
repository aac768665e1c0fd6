/**
 * What a program says of one request of its own, where its mesh lets it:
 *
 *   weft-override: timeout=1500, try-timeout=300, retries=0
 *
 * Times in milliseconds can only become shorter than what is configured. `retries` are those beside the first try, up to
 * a bound; the cluster's budget holds all the same. What is malformed or not known is left aside, member by member.
 */
import type { PreparedRequests } from "./requests.ts";

export const overrideHeader = "weft-override";

export interface RequestOverrides {
  /** Of all tries together. */
  readonly requestTimeoutMs: number | undefined;
  readonly tryTimeoutMs: number | undefined;
  readonly maxRetries: number | undefined;
}

/** More tries than this help nobody. */
const maxRetriesAsked = 10;
/** Nobody says more than the three members there are; the rest of a longer field is not read. */
const maxMembers = 8;
/** Nine digits: eleven days, and no number that is not exact. */
const member = /^[ \t]*(?<key>timeout|try-timeout|retries)=(?<value>[0-9]{1,9})[ \t]*$/;

/** Undefined: it says nothing that is understood. Of two members of one name the first holds. */
export function parseOverrides(text: string): RequestOverrides | undefined {
  const values: Partial<Record<string, number>> = {};
  for (const part of text.split(",", maxMembers)) {
    const groups = member.exec(part)?.groups;
    const key = groups?.["key"];
    if (key !== undefined) values[key] ??= Number(groups?.["value"]);
  }
  const { timeout, retries } = values;
  const tryTimeout = values["try-timeout"];
  if (timeout === undefined && tryTimeout === undefined && retries === undefined) return undefined;
  return {
    requestTimeoutMs: atLeastOne(timeout),
    tryTimeoutMs: atLeastOne(tryTimeout),
    maxRetries: retries === undefined ? undefined : Math.min(retries, maxRetriesAsked),
  };
}

export function applyOverrides(requests: PreparedRequests, overrides: RequestOverrides): PreparedRequests {
  const { requestTimeoutMs, tryTimeoutMs, maxRetries } = overrides;
  return {
    ...requests,
    requestTimeoutMs: shorter(requests.requestTimeoutMs, requestTimeoutMs),
    tryTimeoutMs: shorter(requests.tryTimeoutMs, tryTimeoutMs),
    ...(maxRetries === undefined ? {} : { retry: { ...requests.retry, maxRetries } }),
  };
}

/** 0 would say "none", which is longer than anything. */
function atLeastOne(milliseconds: number | undefined): number | undefined {
  return milliseconds === 0 ? undefined : milliseconds;
}

/** `configured` 0: none. */
function shorter(configured: number, asked: number | undefined): number {
  if (asked === undefined) return configured;
  return configured === 0 ? asked : Math.min(configured, asked);
}
