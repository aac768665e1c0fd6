/** An outcome goes into a number and comes out of it as it was, whatever a peer says. */
import { expect, test } from "bun:test";
import { reasons } from "../../kernel/index.ts";
import { coarseKey, httpKey, keyParts, readOutcome, tcpKey, withoutParts } from "./outcome-key.ts";

test("what goes in comes out", () => {
  const codes = Object.keys(reasons);
  expect(codes.length).toBeGreaterThan(40);
  // Room for as many reasons again, and one for "_OTHER".
  expect(codes.length).toBeLessThan(126);
  for (const reason of [undefined, "no_route", "internal"] as const) {
    for (const grpcStatus of [undefined, 0, 16]) {
      for (const status of [0, 100, 200, 599, 999]) {
        for (const method of ["CONNECT", "GET", "TRACE"]) {
          const key = httpKey(method, status, grpcStatus, reason);
          expect(readOutcome(key)).toEqual({ method, status, grpcStatus, reason: reason ?? "" });
        }
      }
    }
  }
  expect(readOutcome(tcpKey("upstream_reset"))).toMatchObject({
    method: "",
    status: 0,
    reason: "upstream_reset",
  });
  expect(tcpKey(undefined)).toBe(0);
});

test.each([
  ["a method that nobody knows", httpKey("BREW\n", 200, undefined, undefined), { method: "_OTHER" }],
  ["lower case, which is another method", httpKey("get", 200, undefined, undefined), { method: "_OTHER" }],
  ["a head that could not be read", httpKey(undefined, 400, undefined, undefined), { method: "" }],
  ["a status that is none", httpKey("GET", 70_000, undefined, undefined), { status: 0 }],
  ["a gRPC status that has no name: unknown", httpKey("POST", 200, 4_000, undefined), { grpcStatus: 2 }],
])("%s", (_name, key, expected) => {
  expect(readOutcome(key)).toMatchObject(expected);
  expect(Number.isSafeInteger(key) && key >= 0).toBe(true);
});

test("parts can be left out; of a status its class stays", () => {
  const key = httpKey("PUT", 404, 5, "rate_limited");
  expect(readOutcome(withoutParts(key, keyParts.method))).toMatchObject({ method: "", status: 404 });
  expect(readOutcome(withoutParts(key, keyParts.status))).toMatchObject({ method: "PUT", status: 400 });
  expect(readOutcome(withoutParts(key, keyParts.grpcStatus)).grpcStatus).toBeUndefined();
  expect(readOutcome(withoutParts(key, keyParts.reason)).reason).toBe("");
  expect(readOutcome(coarseKey(key))).toEqual({
    method: "",
    status: 400,
    grpcStatus: undefined,
    reason: "_OTHER",
  });
  expect(readOutcome(coarseKey(httpKey("GET", 204, undefined, undefined)))).toMatchObject({
    status: 200,
    reason: "",
  });
});
