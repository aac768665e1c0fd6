/** Wait statuses of the kernel are decoded into exit codes and signals. */
import { expect, test } from "bun:test";
import { decodeStatus } from "./reaper.ts";

test.each([
  [0x0000, { kind: "code", code: 0 }],
  [0x0100, { kind: "code", code: 1 }],
  [0xff00, { kind: "code", code: 255 }],
  [0x000f, { kind: "signal", signal: 15 }],
  // With the bit that says that memory was dumped.
  [0x008b, { kind: "signal", signal: 11 }],
] as const)("decodes wait status %i", (status, exit) => {
  expect(decodeStatus(status)).toEqual(exit);
});
