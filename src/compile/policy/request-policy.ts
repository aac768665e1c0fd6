/**
 * How one request is carried, as policies and a route's own fields say it. Only what somebody said is written: proxies
 * know what holds otherwise.
 */
import { grpcStatusNames, milliseconds } from "../../api/index.ts";
import type {
  HedgePolicySchema,
  RequestPolicySchema,
  RetryBudgetSchema,
  RetryConditionsSchema,
  RetryPolicySchema,
} from "../../model/index.ts";
import type { TrafficSettings } from "./policy-input.ts";
import type { InitOf } from "../resource.ts";

export type RequestsContent = InitOf<typeof RequestPolicySchema>;
type Retries = NonNullable<TrafficSettings["retries"]>;
type RetryReason = NonNullable<Retries["on"]>[number];

/** What the model cannot leave open: each of these stands beside something that was said. */
const defaultOn: readonly RetryReason[] = ["connect-failure", "reset", 503];
const defaultGrpcOn: NonNullable<Retries["grpcOn"]> = [];
const defaultBudget = { percent: 20, minPerSecond: 10 };

export function compileRequests(settings: TrafficSettings): RequestsContent | undefined {
  const { timeouts, retries, hedging } = settings;
  return said<RequestsContent>({
    requestTimeoutMs: bounded(timeouts?.request),
    tryTimeoutMs: bounded(timeouts?.try),
    streamIdleTimeoutMs: bounded(timeouts?.streamIdle),
    retry: retries && compileRetries(retries),
    hedge:
      hedging &&
      said<InitOf<typeof HedgePolicySchema>>({
        delayMs: milliseconds(hedging.delay),
        maxExtra: hedging.maxExtra,
      }),
  });
}

/** What fits the model's fields: 49 days. Policies have bounds of their own, HTTPRoutes have none. */
const maxMs = 0xffff_ffff;

function bounded(duration: string | undefined): number | undefined {
  const ms = milliseconds(duration);
  return ms === undefined ? undefined : Math.min(ms, maxMs);
}

function compileRetries(retries: Retries): InitOf<typeof RetryPolicySchema> | undefined {
  const max = bounded(retries.backoff?.max);
  const base = bounded(retries.backoff?.base);
  return said<InitOf<typeof RetryPolicySchema>>({
    maxRetries: retries.attempts,
    conditions:
      retries.on === undefined && retries.grpcOn === undefined ? undefined : compileConditions(retries),
    // They may come from two policies, each of which was right by itself.
    backoffBaseMs: base === undefined || max === undefined ? base : Math.min(base, max),
    backoffMaxMs: max,
    maxBodyBytes: retries.maxBodyBytes,
    maxRetryAfterMs: milliseconds(retries.maxRetryAfter),
    unsafeMethods: retries.unsafeMethods,
  });
}

function compileConditions({
  on = defaultOn,
  grpcOn = defaultGrpcOn,
}: Retries): InitOf<typeof RetryConditionsSchema> {
  const statuses = new Set(on.flatMap(statusesOf));
  return {
    connectFailure: on.includes("connect-failure"),
    reset: on.includes("reset"),
    tryTimeout: on.includes("try-timeout"),
    statuses: [...statuses].toSorted((a, b) => a - b),
    grpcStatuses: grpcOn.map(grpcCode).toSorted((a, b) => a - b),
  };
}

function statusesOf(reason: RetryReason): number[] {
  if (typeof reason === "number") return [reason];
  switch (reason) {
    case "gateway-error":
      return [502, 503, 504];
    case "5xx":
      return Array.from({ length: 100 }, (_, index) => 500 + index);
    case "connect-failure":
    case "reset":
    case "try-timeout":
      return [];
  }
}

/** The names stand in the order of their codes; OK, which is 0, is not among them. */
export function grpcCode(name: (typeof grpcStatusNames)[number]): number {
  return grpcStatusNames.indexOf(name) + 1;
}

export function compileBudget(retries: Retries | undefined): InitOf<typeof RetryBudgetSchema> | undefined {
  return retries?.budget && { ...defaultBudget, ...retries.budget };
}

/** The fields that are there; undefined where none is. */
export function said<T extends object>(
  fields: { readonly [K in keyof T]: T[K] | undefined },
): Partial<T> | undefined {
  const given: Partial<T> = {};
  let isEmpty = true;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined) continue;
    given[name] = value;
    isEmpty = false;
  }
  return isEmpty ? undefined : given;
}
