/** Where a request came from: never the client's own word, unless proxies in front are trusted. */
import { describe, expect, test } from "bun:test";
import type { HeaderLine } from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { http1Head } from "../admission/external/test/fake-exchange.ts";
import { Http2Request, type HttpRequest } from "../http/index.ts";
import { ForwardedFields } from "./forwarded-fields.ts";
import { RequestFacts } from "./request-facts.ts";

const forged = [
  ["x-forwarded-for", "9.9.9.9, 8.8.8.8"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-host", "admin.example"],
  ["x-forwarded-port", "443"],
  ["X-Forwarded-Prefix", "/x"],
  ["forwarded", "for=9.9.9.9"],
  ["x-real-ip", "9.9.9.9"],
  ["x-forward", "kept"],
  ["from", "kept"],
] as const;

function http1(fields: readonly (readonly [string, string])[]): HttpRequest {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return http1Head(`GET / HTTP/1.1\r\nhost: shop.example\r\n${lines}\r\n`);
}

function http2(fields: readonly (readonly [string, string])[]): HttpRequest {
  const all = HeaderFields.of([
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "shop.example"],
  ]);
  for (const [name, value] of fields) all.add(name.toLowerCase(), value);
  return new Http2Request(all, true);
}

function said(head: HttpRequest, trustedHops: number, address = "192.0.2.7"): Record<string, string> {
  const lines: HeaderLine[] = [];
  new ForwardedFields(address, "http").addLines(head, trustedHops, lines);
  return Object.fromEntries(lines.map(({ nameLower, value }) => [nameLower, value]));
}

describe.each([
  ["HTTP/1.1", http1],
  ["HTTP/2", http2],
])("over %s", (_, headOf) => {
  test("what a client says of its origin is replaced, or taken away", () => {
    expect(said(headOf(forged), 0)).toEqual({
      "x-forwarded-for": "192.0.2.7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.example",
      "x-forwarded-port": "",
      "x-forwarded-prefix": "",
      forwarded: "",
      "x-real-ip": "",
    });
  });

  test("trusted proxies in front are believed, and their chain goes on", () => {
    expect(said(headOf(forged), 1)).toEqual({ "x-forwarded-for": "9.9.9.9, 8.8.8.8, 192.0.2.7" });
    expect(said(headOf([]), 1)).toEqual({
      "x-forwarded-for": "192.0.2.7",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.example",
    });
  });
});

test("a connection without an address says nothing for whoever is behind it", () => {
  expect(said(http1(forged), 0, "")["x-forwarded-for"]).toBe("");
});

test.each([
  [0, "10.0.0.1, 10.0.0.2", "192.0.2.7"],
  [1, "10.0.0.1, 10.0.0.2", "10.0.0.2"],
  [2, "10.0.0.1, 10.0.0.2", "10.0.0.1"],
  [3, "10.0.0.1, 10.0.0.2", "192.0.2.7"],
  [1, "10.0.0.1, unknown", "192.0.2.7"],
  [1, "", "192.0.2.7"],
])("with %d trusted hops and the chain %p the client is %s", (hops, chain, expected) => {
  const head = http1(chain === "" ? [] : [["x-forwarded-for", chain]]);
  expect(new ForwardedFields("192.0.2.7", "http").remoteAddress(head, hops, "192.0.2.7")).toBe(expected);
});

test("policies read what the application will read", () => {
  const fields = new ForwardedFields("192.0.2.7", "http");
  const origin = { addLines: (head: HttpRequest, lines: HeaderLine[]) => fields.addLines(head, 0, lines) };
  const facts = new RequestFacts(http1(forged), "http", "1", origin);
  expect(facts.header("x-forwarded-for")).toBe("192.0.2.7");
  expect(facts.headerValues("x-forwarded-host")).toEqual(["shop.example"]);
  expect(facts.header("x-real-ip")).toBeUndefined();
  expect(facts.header("from")).toBe("kept");
});
