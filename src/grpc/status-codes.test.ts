/** HTTP's statuses and HTTP/2's resets as gRPC's documents map them. */
import { expect, test } from "bun:test";
import { httpStatusToGrpc } from "../kernel/index.ts";
import { type ResetCode, grpcToResetCode, resetCodeToGrpc } from "./status-codes.ts";

test.each([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [431, 13],
  [502, 14],
  [503, 14],
  [504, 14],
  ...[0, 200, 204, 301, 402, 405, 408, 413, 415, 499, 500, 501, 505, 999, Number.NaN].map((s) => [s, 2]),
])("HTTP status %d without a gRPC status is %d", (httpStatus, status) => {
  expect(httpStatusToGrpc(httpStatus ?? 0)).toBe(status ?? -1);
});

const resets: readonly (readonly [ResetCode, number])[] = [
  ["no_error", 13],
  ["protocol_error", 13],
  ["internal_error", 13],
  ["flow_control_error", 13],
  ["settings_timeout", 13],
  ["stream_closed", 13],
  ["frame_size_error", 13],
  ["refused_stream", 14],
  ["cancel", 1],
  ["compression_error", 13],
  ["connect_error", 13],
  ["enhance_your_calm", 8],
  ["inadequate_security", 7],
  ["http_1_1_required", 13],
];

test.each(resets)("a reset with %s is %d", (code, status) => {
  expect(resetCodeToGrpc(code)).toBe(status);
});

test("a status is reset with a code that says the same, and a deadline cancels", () => {
  for (const [code, status] of resets) {
    const back = grpcToResetCode(status);
    if (code === "cancel" || code === "enhance_your_calm" || code === "inadequate_security") {
      expect(back).toBe(code);
    } else expect(back).toBe("internal_error");
  }
  expect(grpcToResetCode(4)).toBe("cancel");
  expect(grpcToResetCode(0)).toBe("no_error");
});

test("only a call that nobody looked at is refused in a way that invites to repeat it", () => {
  for (let status = 0; status <= 16; status++) {
    expect(grpcToResetCode(status)).not.toBe("refused_stream");
    expect(grpcToResetCode(status, true)).toBe("refused_stream");
  }
});
