/** The status of calls that only pass through. */
import { expect, test } from "bun:test";
import { HeaderFields } from "../http2/index.ts";
import { impliedGrpcStatus, readGrpcStatus } from "./response-status.ts";

test.each([
  ["0", 0],
  ["14", 14],
  ["16", 16],
  ["00", 0],
  ["17", 2],
  ["99", 2],
  ["100", 2],
  ["-1", 2],
  ["1.0", 2],
  ["", 2],
  ["OK", 2],
])("grpc-status %p counts as %d", (text, status) => {
  expect(readGrpcStatus(HeaderFields.of([["grpc-status", text]]))).toBe(status);
});

test("no grpc-status is no status", () => {
  expect(readGrpcStatus(HeaderFields.of([["grpc-message", "0"]]))).toBeUndefined();
});

const reset = { kind: "reset", by: "peer", code: "refused_stream", detail: "" } as const;
const lost = { kind: "lost", detail: "", isUnprocessed: false } as const;

test.each([
  [503, { kind: "done" } as const, 14],
  [404, reset, 12],
  [200, { kind: "done" } as const, 2],
  [0, { kind: "done" } as const, 13],
  [200, reset, 14],
  [0, reset, 14],
  [200, lost, 14],
  [0, { ...reset, by: "local", code: "cancel" } as const, 1],
] as const)("HTTP status %d and an end of %p without a gRPC status", (httpStatus, outcome, status) => {
  expect(impliedGrpcStatus(httpStatus, outcome)).toBe(status);
});
