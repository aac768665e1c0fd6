/** When a span is an error, and how authorities are read. */
import { describe, expect, test } from "bun:test";
import { errorType, methodName, type SpanOutcome, splitAuthority } from "./span-status.ts";

const well: SpanOutcome = { isServer: true, status: 200, grpcStatus: undefined, reason: undefined };

describe("an error is", () => {
  const rows: readonly (readonly [outcome: Partial<SpanOutcome>, type: string | undefined])[] = [
    [{}, undefined],
    [{ status: 404 }, undefined],
    [{ status: 404, isServer: false }, "404"],
    [{ status: 500 }, "500"],
    [{ status: 503, reason: "no_endpoint" }, "no_endpoint"],
    [{ status: 200, reason: "fault_injected" }, undefined],
    [{ status: 503, reason: "fault_injected" }, "fault_injected"],
    [{ grpcStatus: 0 }, undefined],
    [{ grpcStatus: 5, status: 404 }, undefined],
    [{ grpcStatus: 5, status: 404, isServer: false }, "NOT_FOUND"],
    [{ grpcStatus: 14, status: 503 }, "UNAVAILABLE"],
    [{ grpcStatus: 99, isServer: false }, "99"],
  ];
  test.each(rows)("%p: %p", (outcome, type) => {
    expect(errorType({ ...well, ...outcome })).toBe(type);
  });
});

test("methods that somebody made up have one name", () => {
  expect(methodName("GET")).toBe("GET");
  expect(methodName("get")).toBe("_OTHER");
});

test.each([
  ["echo", "echo", undefined],
  ["echo:80", "echo", 80],
  ["10.0.0.1:8080", "10.0.0.1", 8080],
  ["[::1]:443", "::1", 443],
  ["[::1]", "::1", undefined],
  ["fd00::7:8080", "fd00::7", 8080],
  ["", "", undefined],
  ["a:b:c", "a:b:c", undefined],
])("%p is at %p, port %p", (authority, host, port) => {
  expect(splitAuthority(authority)).toEqual({ host, port });
});
