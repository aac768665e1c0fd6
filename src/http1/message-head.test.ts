/** Lazy access to a head's text. */
import { describe, expect, test } from "bun:test";
import type { RequestHead } from "./request-head.ts";
import { RequestParser } from "./request-parser.ts";

function parse(raw: string): RequestHead {
  let result: RequestHead | undefined;
  const parser = new RequestParser({
    onHead(head) {
      result = head;
    },
    onBody() {},
    onMessageEnd() {},
    onError(_reason, detail) {
      throw new Error(detail);
    },
  });
  parser.push(Buffer.from(raw, "latin1"));
  if (result === undefined) throw new Error("no head");
  return result;
}

describe("RequestHead", () => {
  test.each([
    ["/a?b=c?d", "/a", "b=c?d"],
    ["/", "/", ""],
    ["/?", "/", ""],
    ["/?x", "/", "x"],
    ["http://h", "/", ""],
    ["http://h?x", "/", "x"],
    ["http://h/y?x", "/y", "x"],
  ])("splits %s", (target, path, query) => {
    const head = parse(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect([head.path, head.query, head.target]).toEqual([path, query, target]);
  });

  test.each([
    "GET",
    "PUT",
    "HEAD",
    "POST",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "get",
    "GEX",
    "PROPFIND",
    "M",
    "TRACE",
  ])("method %s is as sent", (method) => {
    expect(parse(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`).method).toBe(method);
  });

  test("names are lower case, values as sent", () => {
    const head = parse("GET / HTTP/1.1\r\nHOST: Example.COM:80\r\nX-UP:  Down \r\n\r\n");
    expect([head.nameAt(0), head.valueAt(0), head.nameAt(1), head.valueAt(1)]).toEqual([
      "host",
      "Example.COM:80",
      "x-up",
      "Down",
    ]);
    expect(head.authority).toBe("Example.COM:80");
    expect(head.headerCount).toBe(2);
  });

  test("joins repeated fields in their order", () => {
    const head = parse("GET / HTTP/1.1\r\nHost: a\r\nAccept: x\r\nACCEPT: y\r\n\r\n");
    expect(head.get("accept")).toBe("x, y");
    expect(head.header("accept")).toBe("x, y");
    expect(head.get("accep")).toBeUndefined();
    expect(head.get("accept-")).toBeUndefined();
  });

  test("has more fields than it starts with room for", () => {
    const fields = Array.from({ length: 100 }, (_, i) => `x-${i}: ${i}\r\n`).join("");
    const head = parse(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    expect(head.headerCount).toBe(101);
    expect(head.get("x-99")).toBe("99");
  });
});
