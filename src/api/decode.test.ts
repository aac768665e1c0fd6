/** Messages that are no objects: strict towards requests, lenient towards answers of a newer server. */
import { describe, expect, test } from "bun:test";
import { decodeMessage, requestDecoder } from "./decode.ts";
import { meshStatusSchema } from "./mesh-status.ts";
import { tokenRequestSchema } from "./token-request.ts";
import { transactionRequestSchema } from "./transaction.ts";

const status = {
  revision: 3,
  sequence: 9,
  compiledRevision: 3,
  trustDomain: "abc.weft",
  version: "0.1.0",
  startTimeMs: 1,
  isLivenessFrozen: false,
  proxies: [
    {
      id: "default/a",
      role: "sidecar" as const,
      workload: "default/a",
      identity: "spiffe://x",
      connected: true,
      revision: 3,
    },
  ],
};

describe("decodeMessage", () => {
  test("fills in defaults", () => {
    expect(decodeMessage(transactionRequestSchema, {}, "request")).toEqual({
      object: { message: "", dryRun: false, acceptLockout: false, objects: [], deletions: [] },
    });
    expect(decodeMessage(tokenRequestSchema, {}, "request")).toMatchObject({
      object: { spec: { audiences: ["weft-join"], expirationSeconds: 600 } },
    });
  });

  test("refuses unknown fields in requests, keeps them in responses", () => {
    expect(decodeMessage(transactionRequestSchema, { objcts: [] }, "request")).toEqual({
      issues: [{ path: "objcts", message: "unknown field; did you mean objects?" }],
    });
    const answer = { ...status, later: 1 };
    expect(decodeMessage(meshStatusSchema, answer, "response")).toEqual({ object: answer });
  });

  test("refuses wrong types in both", () => {
    expect(decodeMessage(meshStatusSchema, { ...status, revision: "3", later: 1 }, "response")).toEqual({
      issues: [{ path: "revision", message: "must be a whole number" }],
    });
    expect(decodeMessage(tokenRequestSchema, { spec: { expirationSeconds: 4000 } }, "request")).toEqual({
      issues: [{ path: "spec.expirationSeconds", message: "must be 3600 or less" }],
    });
  });
});

test.each([
  ["nothing", {}],
  ["a change", { message: "why", objects: [{ kind: 3 }], deletions: [{ kind: "Service", name: "a" }] }],
  ["an unknown field", { objcts: [] }],
  ["wrong parts", { deletions: [{ kind: "Service" }], dryRun: "yes" }],
  ["null", { message: null, maxBlastRadius: {} }],
  ["a list", []],
  ["a text", "text"],
])("a decoder of requests says of %s what decodeMessage says, and leaves it as it was", (_, input) => {
  const decode = requestDecoder(transactionRequestSchema);
  const before = structuredClone(input);
  const expected = decodeMessage(transactionRequestSchema, input, "request");
  expect(decode(input)).toStrictEqual(expected);
  expect(decode(input)).toStrictEqual(expected);
  expect(input).toStrictEqual(before);
});
