/** Protocols are told from their first bytes, the same wherever those are cut. */
import { expect, test } from "bun:test";
import { type Detected, detectProtocol } from "./detect-protocol.ts";

const cases: readonly (readonly [string, Detected])[] = [
  ["", "more"],
  ["GET / HTTP/1.1\r\n", "http1"],
  ["GET / HTTP/1.0\r\nHost: a\r\n\r\n", "http1"],
  ["PURGE /x?y HTTP/1.1\r\n", "http1"],
  ["M-SEARCH * HTTP/1.1\r\n", "http1"],
  ["CONNECT a:443 HTTP/1.1\r\n", "http1"],
  ["GET / HTTP/1.1\n", "http1"], // malformed, and the HTTP codec is the one to say so
  ["GET /\xc3\xa4 HTTP/1.1\r\n", "http1"],
  [`GET /${"x".repeat(3000)}`, "http1"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
  ["PRI * HTTP/2.0\r\n", "http2"],
  ["PRI * HTTP/3.0\r\n", "tcp"],
  ["\x16\x03\x01\x02\x00", "tls"],
  ["\x16\x02", "tcp"],
  ["GET key\r\n", "tcp"], // Redis, inline
  ["get key\r\n", "tcp"], // memcached
  ["*1\r\n$4\r\nPING\r\n", "tcp"], // Redis
  ["\x00\x00\x00\x08\x04\xd2\x16\x2f", "tcp"], // PostgreSQL
  ["EHLO example.org\r\n", "tcp"],
  ["SSH-2.0-x\r\n", "tcp"],
  ["\x00", "tcp"],
  ["\r\n", "tcp"],
  [" GET / HTTP/1.1\r\n", "tcp"],
  ["G", "more"],
  ["PRI * HT", "more"],
  ["PRI /x", "more"],
  ["GET /slow HTTP/1", "more"],
  ["\x16", "more"],
  ["GET / HTTP/2.0\r\n", "tcp"],
  ["GET \x01", "tcp"],
  ["A".repeat(25), "tcp"],
];

test.each(cases)("%j is %s", (raw, detected) => {
  expect(detectProtocol(Buffer.from(raw, "latin1"))).toBe(detected);
});

test("each prefix of a request says more until it is told, and then the same", () => {
  for (const [raw, detected] of cases) {
    const bytes = Buffer.from(raw, "latin1");
    let told: Detected = "more";
    for (let end = 0; end <= Math.min(bytes.length, 300); end++) {
      const now = detectProtocol(bytes.subarray(0, end));
      if (told !== "more") expect(now).toBe(told);
      told = now;
    }
    if (bytes.length <= 300) expect(told).toBe(detected);
  }
});
