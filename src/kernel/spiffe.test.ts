/** SPIFFE ids of the mesh's form survive a round trip; every other form is refused. */
import { expect, test } from "bun:test";
import { formatSpiffeId, parseSpiffeId } from "./spiffe.ts";

test("a SPIFFE id of the mesh's form survives a round trip", () => {
  const id = "spiffe://0a1b2c3d.weft/ns/default/sa/reviews";
  const parsed = parseSpiffeId(id);
  expect(parsed).toEqual({ trustDomain: "0a1b2c3d.weft", namespace: "default", serviceAccount: "reviews" });
  expect(parsed && formatSpiffeId(parsed)).toBe(id);
});

test.each([
  "spiffe://td/ns/default/sa/",
  "spiffe://td/ns//sa/x",
  "spiffe://td/ns/a/sa/b/c",
  "spiffe://td/ns/a/sa/b?x",
  "spiffe://TD/ns/a/sa/b",
  "SPIFFE://td/ns/a/sa/b",
  "spiffe://td/ns/a/sa/b\n",
  "spiffe://td/ns/../sa/b",
  "https://td/ns/a/sa/b",
])("refuses %p", (text) => {
  expect(parseSpiffeId(text)).toBeUndefined();
});
