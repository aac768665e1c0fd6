/** How values of options are read, and what is said when they cannot be. */
import { expect, test } from "bun:test";
import { parseCount, parseDuration, parseGatewayAddress, parseHostPort } from "./shared-options.ts";

test.each([
  ["15080", { address: "127.0.0.1", port: 15_080 }],
  ["0.0.0.0:0", { address: "0.0.0.0", port: 0 }],
  ["localhost:80", { address: "127.0.0.1", port: 80 }],
  ["[::1]:65535", { address: "::1", port: 65_535 }],
])("%s is an address and a port", (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected);
});

test.each(["", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "example.com:80", "-1", "1.5"])(
  "%p is no address and port",
  (text) => {
    expect(() => parseHostPort(text)).toThrow("write an address and a port");
  },
);

test("a gateway's address may go without a port, which then is the listener's own", () => {
  expect(parseGatewayAddress("0.0.0.0")).toEqual({ hostAddress: "0.0.0.0" });
  expect(parseGatewayAddress("127.0.0.1:0")).toEqual({ hostAddress: "127.0.0.1", port: 0 });
  expect(parseGatewayAddress("8081")).toEqual({ hostAddress: "127.0.0.1", port: 8081 });
  expect(() => parseGatewayAddress("everywhere")).toThrow("write an address");
});

test("durations and counts", () => {
  expect([parseDuration("500ms"), parseDuration("1m30s")]).toEqual([500, 90_000]);
  for (const text of ["30", "s", "-1s", ""]) expect(() => parseDuration(text)).toThrow("write a duration");
  expect(parseCount("20")).toBe(20);
  for (const text of ["0", "1.5", "", "x"]) expect(() => parseCount(text)).toThrow("write a whole number");
});
