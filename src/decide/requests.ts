/**
 * How requests are carried: what a rule says over what its backend's cluster says over the defaults, field by field,
 * worked out once for each destination.
 */
import type { HedgePolicy, RequestPolicy, RetryConditions, RetryPolicy } from "../model/index.ts";

export interface PreparedRequests {
  /** All tries and the waits between them together. Milliseconds, as everything here; 0: none. */
  readonly requestTimeoutMs: number;
  /** From a try's start to the end of its response. 0: none. */
  readonly tryTimeoutMs: number;
  /** Neither direction has moved for this long. 0: none. */
  readonly streamIdleTimeoutMs: number;
  readonly retry: PreparedRetry;
  /** Undefined: none. */
  readonly hedge: PreparedHedge | undefined;
}

export interface PreparedRetry {
  /** Beside the first try. */
  readonly maxRetries: number;
  readonly onConnectFailure: boolean;
  readonly onReset: boolean;
  readonly onTryTimeout: boolean;
  readonly statuses: ReadonlySet<number>;
  /** Calls that end with one of these are repeated whatever their method: to name a status says that it is safe. */
  readonly grpcStatuses: ReadonlySet<number>;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Undefined: as much as the proxy buffers of one body (`maxBufferedBodyBytes`). */
  readonly maxBodyBytes: number | undefined;
  readonly maxRetryAfterMs: number;
  readonly unsafeMethods: boolean;
}

interface PreparedHedge {
  readonly delayMs: number;
  /** At least 1. */
  readonly maxExtra: number;
}

/** Where only a base is given: as much above it as the default's maximum is, so that there is room for chance. */
const maxOverBase = 10;

/**
 * A call that some application has begun to look at is not repeated unless its method makes that safe, so of gRPC only what
 * was never looked at is: its methods are all POST.
 */
const defaultRetry: PreparedRetry = {
  maxRetries: 2,
  onConnectFailure: true,
  onReset: true,
  onTryTimeout: false,
  statuses: new Set([503]),
  grpcStatuses: new Set(),
  backoffBaseMs: 25,
  backoffMaxMs: 250,
  maxBodyBytes: undefined,
  maxRetryAfterMs: 10_000,
  unsafeMethods: false,
};

const sidecar: PreparedRequests = {
  requestTimeoutMs: 0,
  tryTimeoutMs: 0,
  streamIdleTimeoutMs: 0,
  retry: defaultRetry,
  hedge: undefined,
};

/** Where nobody has said anything. Clients of a gateway come and go without a word; programs behind a sidecar do not. */
export const requestDefaults: Readonly<Record<"sidecar" | "gateway", PreparedRequests>> = {
  sidecar,
  gateway: { ...sidecar, streamIdleTimeoutMs: 300_000 },
};

/** Towards the local application: whoever called decides about tries. Only what it never looked at is given to it again. */
export const inboundRequests: PreparedRequests = {
  ...sidecar,
  retry: { ...defaultRetry, maxRetries: 0, onConnectFailure: false, onReset: false, statuses: new Set() },
};

/** `policy` where it says something, `under` where it does not. */
export function layRequests(policy: RequestPolicy | undefined, under: PreparedRequests): PreparedRequests {
  if (policy === undefined) return under;
  return {
    requestTimeoutMs: policy.requestTimeoutMs ?? under.requestTimeoutMs,
    tryTimeoutMs: policy.tryTimeoutMs ?? under.tryTimeoutMs,
    streamIdleTimeoutMs: policy.streamIdleTimeoutMs ?? under.streamIdleTimeoutMs,
    retry: layRetry(policy.retry, under.retry),
    hedge: layHedge(policy.hedge, under.hedge),
  };
}

function layRetry(policy: RetryPolicy | undefined, under: PreparedRetry): PreparedRetry {
  if (policy === undefined) return under;
  const backoffBaseMs = policy.backoffBaseMs ?? under.backoffBaseMs;
  const backoffMaxMs = policy.backoffMaxMs ?? Math.max(under.backoffMaxMs, backoffBaseMs * maxOverBase);
  return {
    ...under,
    ...conditionsOf(policy.conditions),
    maxRetries: policy.maxRetries ?? under.maxRetries,
    backoffBaseMs,
    backoffMaxMs,
    maxBodyBytes: policy.maxBodyBytes ?? under.maxBodyBytes,
    maxRetryAfterMs: policy.maxRetryAfterMs ?? under.maxRetryAfterMs,
    unsafeMethods: policy.unsafeMethods ?? under.unsafeMethods,
  };
}

/** One field as a whole: conditions that are named stand alone. */
function conditionsOf(conditions: RetryConditions | undefined): Partial<PreparedRetry> {
  if (conditions === undefined) return {};
  return {
    onConnectFailure: conditions.connectFailure,
    onReset: conditions.reset,
    onTryTimeout: conditions.tryTimeout,
    statuses: new Set(conditions.statuses),
    grpcStatuses: new Set(conditions.grpcStatuses),
  };
}

function layHedge(
  policy: HedgePolicy | undefined,
  under: PreparedHedge | undefined,
): PreparedHedge | undefined {
  if (policy === undefined) return under;
  // Who gives a delay alone wants one extra try.
  const maxExtra = policy.maxExtra ?? under?.maxExtra ?? 1;
  const delayMs = policy.delayMs ?? under?.delayMs;
  return delayMs === undefined || maxExtra === 0 ? undefined : { delayMs, maxExtra };
}
