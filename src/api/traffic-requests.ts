/** Sections `timeouts`, `retries` and `hedging` of TrafficPolicy: how one request is carried. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { milliseconds, timeSpan } from "./measures.ts";
import { flag, integer, list, object, oneOf, optional, type ValueOf } from "./schema.ts";

/** More tries than this are a storm, whatever the budget. */
const maxRetries = 10;
const maxExtraTries = 5;
const maxConditions = 32;
const maxReplayBytes = 16_777_216;
/** A budget of more is none. */
const maxBudgetPercent = 100;
const maxRetriesPerSecond = 100_000;

export const timeoutsSchema = object("How long a request may take.", {
  request: optional(
    timeSpan("All tries together, to the last byte of the response. Default: none.", {
      min: "1ms",
      max: "720h",
      zero: "none",
    }),
  ),
  try: optional(
    timeSpan("One try, to the last byte of its response. Default: none.", {
      min: "1ms",
      max: "720h",
      zero: "none",
    }),
  ),
  streamIdle: optional(
    timeSpan("Neither direction has moved for so long. Default: 5m at gateways, none in sidecars.", {
      min: "1ms",
      max: "720h",
      zero: "none",
    }),
  ),
});

/** Beside numbers of HTTP statuses. */
const retryReasons = ["connect-failure", "reset", "try-timeout", "5xx", "gateway-error"] as const;

/** google.rpc.Code by name, but for OK. */
export const grpcStatusNames = [
  "cancelled",
  "unknown",
  "invalid-argument",
  "deadline-exceeded",
  "not-found",
  "already-exists",
  "permission-denied",
  "resource-exhausted",
  "failed-precondition",
  "aborted",
  "out-of-range",
  "unimplemented",
  "internal",
  "unavailable",
  "data-loss",
  "unauthenticated",
] as const;

export const retriesSchema = object(
  "Another try for a request that failed: at another endpoint first, within a budget, and only where the method is safe to repeat or the request was never processed.",
  {
    attempts: optional(integer("Retries beside the first try; 0 is off. Default 2.", 0, maxRetries)),
    on: optional(
      list(
        "What is tried again. Default connect-failure, reset and 503.",
        Type.Union([oneOf("A kind of failure.", retryReasons), integer("An HTTP status.", 400, 599)], {
          description: "A kind of failure, or an HTTP status. gateway-error is 502, 503 and 504.",
          expected: `one of ${retryReasons.join(", ")}, or a status from 400 to 599`,
        }),
        { max: maxConditions, unique: true },
      ),
    ),
    grpcOn: optional(
      list(
        "Which statuses of gRPC calls are tried again, whatever the method. Default none: only calls that no server has looked at.",
        oneOf("A status.", grpcStatusNames),
        { max: maxConditions, unique: true },
      ),
    ),
    backoff: optional(
      object("How long a retry waits: at random between the base and a bound that doubles with each.", {
        base: optional(timeSpan("The least. Default 25ms.", { min: "1ms", max: "1m" })),
        max: optional(
          timeSpan("The largest bound. Default 250ms, or ten times a base that is given alone.", {
            min: "1ms",
            max: "10m",
          }),
        ),
      }),
    ),
    maxBodyBytes: optional(
      integer(
        "A request with a longer body is not repeated once more than this was sent. Default 65536.",
        0,
        maxReplayBytes,
      ),
    ),
    maxRetryAfter: optional(
      timeSpan(
        "A response's Retry-After is waited for up to this; a longer one is the answer. Default 10s.",
        {
          min: "1ms",
          max: "1h",
          zero: "never waited for",
        },
      ),
    ),
    unsafeMethods: optional(
      flag("Repeat POST, PATCH and the like too: for services that can take a request twice. Default false."),
    ),
    budget: optional(
      object("How many retries a proxy may send to a Service in all.", {
        percent: optional(integer("Of its requests to the Service. Default 20.", 0, maxBudgetPercent)),
        minPerSecond: optional(integer("So many are always allowed. Default 10.", 0, maxRetriesPerSecond)),
      }),
    ),
  },
);

export const hedgingSchema = object(
  "A second try beside a slow first one; the first answer is taken, the other try is reset.",
  {
    delay: optional(timeSpan("After this long without an answer.", { min: "1ms", max: "1h" })),
    maxExtra: optional(integer("Tries beside the first; 0 is off. Default 1.", 0, maxExtraTries)),
  },
);

export function checkTimeouts(timeouts: ValueOf<typeof timeoutsSchema>, path: string): Issue[] {
  const request = milliseconds(timeouts.request) ?? 0;
  if (request === 0 || (milliseconds(timeouts.try) ?? 0) <= request) return [];
  return [{ path: `${path}.try`, message: "cannot be longer than the request timeout" }];
}

export function checkRetries({ backoff }: ValueOf<typeof retriesSchema>, path: string): Issue[] {
  const [base, max] = [milliseconds(backoff?.base), milliseconds(backoff?.max)];
  if (base === undefined || max === undefined || base <= max) return [];
  return [{ path: `${path}.backoff.base`, message: "cannot be longer than backoff.max" }];
}
