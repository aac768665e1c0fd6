/** The limits of a RateLimitPolicy in the form that proxies run, apart from the stores and services that they rely on. */
import { milliseconds, type RateLimitKeyField } from "../../api/index.ts";
import {
  type RateLimitKeySchema,
  type RateLimitOverrideSchema,
  type RateLimitSchema,
  RateLimitScope,
} from "../../model/index.ts";
import type { Prepared } from "../policy/policy-index.ts";
import type { InitOf } from "../resource.ts";
import { compileAccess } from "./access.ts";
import { type LimitInput, type RateLimitInput, sourceOf } from "./security-input.ts";

export type RateLimitContent = InitOf<typeof RateLimitSchema>;
type Key = NonNullable<LimitInput["keys"]>[number];
type Override = NonNullable<LimitInput["overrides"]>[number];

export interface PreparedLimit {
  readonly content: RateLimitContent;
  readonly scope: LimitInput["scope"];
  /** Only a request whose token has been checked can be counted. */
  readonly needsToken: boolean;
  /** No raw connection is counted. */
  readonly needsHttp: boolean;
}

export interface PreparedRateLimit {
  readonly policy: RateLimitInput;
  readonly limits: readonly PreparedLimit[];
}

const defaultPeriodMs = 1000;

const scopes: Readonly<Record<LimitInput["scope"], RateLimitScope>> = {
  Local: RateLimitScope.LOCAL,
  Global: RateLimitScope.GLOBAL,
  Service: RateLimitScope.SERVICE,
};

export function prepareRateLimit(policy: RateLimitInput): Prepared<PreparedRateLimit> {
  const invalid: string[] = [];
  const limits = policy.spec.limits.map((limit, index) => prepareLimit(policy, limit, index, invalid));
  return invalid.length > 0 ? { problem: invalid.join("; ") } : { value: { policy, limits } };
}

function prepareLimit(
  policy: RateLimitInput,
  limit: LimitInput,
  index: number,
  invalid: string[],
): PreparedLimit {
  const { match, keys = [], overrides = [], scope } = limit;
  const place = `limits[${index}]`;
  const section = limit.name ?? place;
  const access = match && compileAccess(section, match, `spec.${place}.match`, invalid);
  const content: RateLimitContent = {
    source: sourceOf(policy, section),
    scope: scopes[scope],
    matches: access === undefined ? [] : [access.content],
    keys: keys.map(compileKey),
    ...(scope === "Service" ? {} : rateOf(limit)),
    overrides: overrides.map(compileOverride),
    dryRun: limit.mode === "DryRun",
    hidesHeaders: limit.headers === "Hide",
    maxBuckets: limit.maxBuckets ?? 0,
  };
  return {
    content,
    scope,
    needsToken: keys.some(({ claim }) => claim !== undefined) || readsToken(match),
    needsHttp: access?.needsHttp === true || keys.some(isOfRequest),
  };
}

/** A condition may read the token too; what it reads is told by its name. */
function readsToken(match: LimitInput["match"]): boolean {
  const { from = [], when = [] } = match ?? {};
  return (
    from.some(({ jwtPrincipals, notJwtPrincipals }) => (jwtPrincipals ?? notJwtPrincipals) !== undefined) ||
    when.some((text) => text.includes("jwt"))
  );
}

function isOfRequest({ header, path, method, host, claim }: Key): boolean {
  return [header, path, method, host, claim].some((each) => each !== undefined);
}

function rateOf({ requests, period, burst }: Pick<LimitInput, "requests" | "period" | "burst">) {
  return {
    requests: BigInt(requests ?? 0),
    periodMs: milliseconds(period) ?? defaultPeriodMs,
    burst: BigInt(burst ?? 0),
  };
}

function compileOverride({ values, unlimited, ...rate }: Override): InitOf<typeof RateLimitOverrideSchema> {
  return { values: [...values], ...(unlimited === true ? { isUnlimited: true } : rateOf(rate)) };
}

/** What an entry of a descriptor is called unless the policy says otherwise; those of Envoy's actions where it has one. */
const entryNames: Readonly<Record<RateLimitKeyField, string>> = {
  sourceIdentity: "source_identity",
  sourceNamespace: "source_namespace",
  sourceAddress: "source_address",
  remoteAddress: "remote_address",
  header: "header",
  path: "path",
  method: "method",
  host: "host",
  claim: "claim",
  constant: "generic_key",
};

const flags = [
  "sourceIdentity",
  "sourceNamespace",
  "sourceAddress",
  "remoteAddress",
  "path",
  "method",
  "host",
] as const;

/** Its schema says that there is exactly one field beside the name. */
function compileKey(key: Key): InitOf<typeof RateLimitKeySchema> {
  const { name, header, claim, constant } = key;
  if (header !== undefined) {
    return { name: name ?? header.toLowerCase(), value: { case: "header", value: header.toLowerCase() } };
  }
  if (claim !== undefined) {
    return { name: name ?? claim.join("."), value: { case: "claim", value: { path: [...claim] } } };
  }
  if (constant !== undefined) {
    return { name: name ?? entryNames.constant, value: { case: "constant", value: constant } };
  }
  const flag = flags.find((each) => key[each] === true) ?? "sourceIdentity";
  return { name: name ?? entryNames[flag], value: { case: flag, value: true } };
}
