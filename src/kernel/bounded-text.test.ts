/** A body is read up to its bound and no further. */
import { expect, test } from "bun:test";
import { boundedText } from "./bounded-text.ts";

test("takes a body of just the bound, and stops reading a longer one", async () => {
  let sent = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    for (; sent < 10; sent++) yield Buffer.from("ab");
  }
  expect(await boundedText(body(), 20)).toBe("ab".repeat(10));
  sent = 0;
  expect(await boundedText(body(), 5)).toBeUndefined();
  expect(sent).toBe(2);
  expect(await boundedText(null, 5)).toBe("");
});
