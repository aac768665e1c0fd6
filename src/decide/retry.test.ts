/** What is repeated, after what wait, and what is left alone for which reason. */
import { describe, expect, test } from "bun:test";
import { inboundRequests, type PreparedRetry, requestDefaults } from "./requests.ts";
import { backoffMs, judgeRetry, type TryEnd, type TryState } from "./retry.ts";

const defaults = requestDefaults.sidecar.retry;

function end(init: Partial<TryEnd>): TryEnd {
  return {
    cause: "answer",
    status: 0,
    grpcStatus: undefined,
    retryAfterMs: undefined,
    isFinal: false,
    ...init,
  };
}

function state(init: Partial<TryState> = {}): TryState {
  return {
    retries: 0,
    method: "GET",
    hasOther: true,
    isInherited: false,
    remainingMs: Infinity,
    random: 0.5,
    ...init,
  };
}

function judge(
  ending: Partial<TryEnd>,
  at: Partial<TryState> = {},
  policy: Partial<PreparedRetry> = {},
): string {
  const verdict = judgeRetry({ ...defaults, ...policy }, end(ending), state(at));
  if (!verdict.isRepeated) return verdict.because ?? "no";
  return verdict.isFree ? "free" : `after ${verdict.delayMs}`;
}

describe("by default", () => {
  test.each([
    // What no application has seen may go anywhere, whatever it is.
    [{ cause: "connect" }, { method: "POST" }, "free"],
    [{ cause: "pool" }, { method: "POST" }, "free"],
    [{ cause: "unprocessed" }, { method: "POST", hasOther: false }, "free"],
    [{ cause: "stale" }, {}, "free"],
    [{ cause: "stale" }, { method: "POST" }, "no"],
    // Where there is nowhere else to go at once, it is waited for.
    [{ cause: "connect" }, { method: "POST", hasOther: false }, "after 37.5"],
    [{ cause: "pool" }, { hasOther: false }, "no"],
    // What one may have seen, only where twice is as good as once.
    [{ cause: "reset" }, {}, "after 37.5"],
    [{ cause: "reset" }, { method: "PUT" }, "after 37.5"],
    [{ cause: "reset" }, { method: "POST" }, "no"],
    [{ cause: "reset" }, { method: "PATCH" }, "no"],
    [{ cause: "try_timeout" }, {}, "no"],
    [{ status: 503 }, {}, "after 37.5"],
    [{ status: 503 }, { method: "POST" }, "no"],
    [{ status: 500 }, {}, "no"],
    [{ status: 502 }, {}, "no"],
    [{ status: 429 }, {}, "no"],
    // gRPC is POST.
    [{ status: 200, grpcStatus: 14 }, { method: "POST" }, "no"],
    [{ cause: "reset", grpcStatus: 14 }, { method: "POST" }, "no"],
    [{ cause: "unprocessed", grpcStatus: 14 }, { method: "POST" }, "free"],
  ] as const)("%j of %j: %s", (ending, at, expected) => {
    expect(judge(ending, at)).toBe(expected);
  });

  test("two retries, and no more", () => {
    for (const cause of ["connect", "unprocessed", "stale", "reset"] as const) {
      expect(judge({ cause }, { retries: 1 })).not.toBe("attempts");
      expect(judge({ cause }, { retries: 2 })).toBe("attempts");
    }
    expect(judge({ cause: "pool" }, { retries: 2 })).toBe("no");
  });
});

describe("a policy", () => {
  test.each([
    [{ status: 500 }, {}, { statuses: new Set([500]) }, "after 37.5"],
    [{ status: 503 }, {}, { statuses: new Set([500]) }, "no"],
    [{ cause: "try_timeout" }, {}, { onTryTimeout: true }, "after 37.5"],
    [{ cause: "try_timeout" }, { method: "POST" }, { onTryTimeout: true }, "no"],
    [{ status: 503 }, { method: "POST" }, { unsafeMethods: true }, "after 37.5"],
    [{ cause: "reset" }, {}, { onReset: false }, "no"],
    // To name a status of gRPC says that its calls may be repeated.
    [{ status: 200, grpcStatus: 14 }, { method: "POST" }, { grpcStatuses: new Set([14]) }, "after 37.5"],
    [{ status: 200, grpcStatus: 13 }, { method: "POST" }, { grpcStatuses: new Set([14]) }, "no"],
    [
      { cause: "reset", grpcStatus: 14 },
      { method: "POST" },
      { grpcStatuses: new Set([14]), onReset: false },
      "after 37.5",
    ],
    // Retries off: what no application has seen is still given to another endpoint.
    [{ status: 503 }, {}, { maxRetries: 0 }, "no"],
    [{ cause: "reset" }, {}, { maxRetries: 0 }, "no"],
    [{ cause: "connect" }, { retries: 1 }, { maxRetries: 0 }, "free"],
    [{ cause: "connect" }, { retries: 2 }, { maxRetries: 0 }, "no"],
    [{ cause: "connect" }, { retries: 4 }, { maxRetries: 5 }, "free"],
  ] as const)("%j of %j under %j: %s", (ending, at, policy, expected) => {
    expect(judge(ending, at, policy)).toBe(expected);
  });

  test("towards the application nothing is repeated that it may have seen", () => {
    const ends = [{ status: 503 }, { cause: "reset" }, { cause: "try_timeout" }] as const;
    for (const ending of ends) expect(judge(ending, {}, inboundRequests.retry)).toBe("no");
    expect(judge({ cause: "connect" }, { hasOther: false }, inboundRequests.retry)).toBe("no");
    expect(judge({ cause: "connect" }, {}, inboundRequests.retry)).toBe("free");
  });
});

describe("what withholds a retry", () => {
  test.each([
    [{ status: 503, isFinal: true }, {}, "callee"],
    [{ cause: "unprocessed", isFinal: true }, {}, "callee"],
    // Nothing would have been repeated, so nothing is withheld.
    [{ status: 500, isFinal: true }, {}, "no"],
    [{ status: 503 }, { isInherited: true }, "inherited"],
    [{ cause: "connect" }, { isInherited: true }, "free"],
    [{ status: 503, retryAfterMs: 10_001 }, {}, "retry_after"],
    [{ status: 503, retryAfterMs: 10_000 }, {}, "after 10000"],
    [{ status: 503, retryAfterMs: 0 }, {}, "after 37.5"],
    [{ status: 503 }, { remainingMs: 37.5 }, "deadline"],
    [{ status: 503 }, { remainingMs: 37.6 }, "after 37.5"],
    [{ status: 503, retryAfterMs: 500 }, { remainingMs: 400 }, "deadline"],
  ] as const)("%j of %j: %s", (ending, at, expected) => {
    expect(judge(ending, at)).toBe(expected);
  });
});

test("the wait doubles up to its maximum and is drawn from all below", () => {
  const caps = [0, 1, 2, 3, 4, 60].map((retries) => backoffMs(defaults, retries, 0.999_999));
  expect(caps.map(Math.round)).toEqual([50, 100, 200, 250, 250, 250]);
  expect(backoffMs(defaults, 3, 0)).toBe(25);
  expect(backoffMs(defaults, 3, 0.5)).toBe(137.5);
});
