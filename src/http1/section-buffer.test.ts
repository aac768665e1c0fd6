/** A section that arrives byte by byte costs no more than linear time. */
import { expect, test } from "bun:test";
import { incomplete } from "./faults.ts";
import { SectionBuffer } from "./section-buffer.ts";

test("bytes that trickle in are parsed a few times, not once for each byte", () => {
  let calls = 0;
  const buffer = new SectionBuffer(
    {
      parseSection(bytes, start, end) {
        calls++;
        const at = bytes.indexOf("\r\n\r\n", start, "latin1");
        return at >= 0 && at + 4 <= end ? at + 4 : incomplete;
      },
    },
    100_000,
  );
  const section = Buffer.from(`${"name: value\r\n".repeat(4_000)}\r\n`);
  for (let at = 0; at < section.length - 1; at++) {
    expect(buffer.push(section, at, at + 1)).toBe(incomplete);
  }
  expect(buffer.push(section, section.length - 1, section.length)).toBe(section.length);
  expect(calls).toBeLessThan(5);
});
