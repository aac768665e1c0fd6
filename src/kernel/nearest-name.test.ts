/** What is proposed to whoever mistyped a name. */
import { expect, test } from "bun:test";
import { nearestName } from "./nearest-name.ts";

test("the nearest name within two edits is proposed, whatever its case", () => {
  const known = ["RESPONSE_CODE", "RESPONSE_FLAGS", "DURATION"];
  expect(nearestName("RESPONSE_COD", known)).toBe("RESPONSE_CODE");
  expect(nearestName("duratoin", known)).toBe("DURATION");
  expect(nearestName("BYTES_SENT", known)).toBeUndefined();
  expect(nearestName("D".repeat(65), known)).toBeUndefined();
});
