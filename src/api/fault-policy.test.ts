/** What a FaultPolicy may do, and what is refused. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const expiresAt = "2026-01-31T12:00:00Z";

function policy(...faults: readonly object[]): unknown {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "FaultPolicy",
    metadata: { name: "p", namespace: "shop" },
    spec: { targetRefs: [{ kind: "Service", name: "web" }], faults },
  };
}

test("a fault with all conditions is valid", () => {
  const fault = {
    percentage: 0.0001,
    matches: [{ path: { type: "Exact", value: "/pay" }, method: "POST" }],
    optInHeader: "x-chaos",
    expiresAt,
    delay: "2s",
    abort: { grpcStatus: "unavailable" },
  };
  const faults: readonly unknown[] = parsedAs("FaultPolicy", policy(fault)).spec.faults;
  expect(faults).toEqual([fault]);
});

test("without a percentage it is every request", () => {
  expect(parsedAs("FaultPolicy", policy({ expiresAt, reset: true })).spec.faults[0]?.percentage).toBe(100);
});

test.each([
  [{ delay: "1s" }, "spec.faults[0].expiresAt: is required"],
  [{ delay: "1s", expiresAt: "tomorrow, at about noon" }, "spec.faults[0].expiresAt: must be a time such as"],
  [
    { delay: "1s", expiresAt: "2026-13-01T00:00:00Z" },
    "spec.faults[0].expiresAt: is no day and time that exists",
  ],
  [{ expiresAt }, "spec.faults[0]: must have one of delay, abort, reset, bandwidth"],
  [{ expiresAt, delay: "11m" }, "spec.faults[0].delay: must be 1ms to 10m"],
  [{ expiresAt, reset: false }, "spec.faults[0].reset: must be true or absent"],
  [{ expiresAt, delay: "1s", percentage: 101 }, "spec.faults[0].percentage: must be 100 or less"],
  [
    { expiresAt, delay: "1s", percentage: 0.00001 },
    "spec.faults[0].percentage: must have at most four digits behind the point",
  ],
  [{ expiresAt, abort: {} }, "spec.faults[0].abort: must have exactly one of httpStatus, grpcStatus"],
  [{ expiresAt, abort: { httpStatus: 200 } }, "spec.faults[0].abort.httpStatus: must be 400 or more"],
  [
    { expiresAt, abort: { httpStatus: 500 }, reset: true },
    "spec.faults[0].reset: must be absent where abort is given",
  ],
  [
    { expiresAt, reset: true, bandwidth: 100 },
    "spec.faults[0].bandwidth: has no meaning beside abort or reset",
  ],
  [
    { expiresAt, delay: "1s", matches: [{ path: { value: "x" } }] },
    "spec.faults[0].matches[0].path.value: must be an absolute path",
  ],
])("%j is refused", (fault, issue) => {
  const found = issuesOf(policy(fault));
  expect(found).toHaveLength(1);
  expect(found[0]).toStartWith(issue);
});
