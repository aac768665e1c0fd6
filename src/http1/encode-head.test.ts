/** What the next hop gets: untouched lines byte for byte, nothing that was for this hop only. */
import { describe, expect, test } from "bun:test";
import { ByteWriter, WeftError } from "../kernel/index.ts";
import {
  encodeRequestHead,
  encodeResponseHead,
  type RequestHeadOptions,
  type ResponseHeadOptions,
} from "./encode-head.ts";
import { type HeadEdits, headerLine, TextLine } from "./header-line.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

const none: HeadEdits = { set: [], add: [], remove: [] };

function request(raw: string, options: RequestHeadOptions = {}, edits?: HeadEdits): string {
  const out = new ByteWriter(8);
  const parser = new RequestParser({
    onHead: (head) => encodeRequestHead(out, head, edits, options),
    onBody() {},
    onMessageEnd() {},
    onError: (_reason, detail) => out.latin1(detail),
  });
  parser.push(Buffer.from(raw, "latin1"));
  return Buffer.from(out.view()).toString("latin1");
}

function response(raw: string, options: ResponseHeadOptions = {}, edits?: HeadEdits, method = "GET"): string {
  const out = new ByteWriter(8);
  const parser = new ResponseParser({
    onInterim: (head) => encodeResponseHead(out, head, edits, options),
    onHead: (head) => encodeResponseHead(out, head, edits, options),
    onBody() {},
    onMessageEnd() {},
    onError: (_reason, detail) => out.latin1(detail),
  });
  parser.expect(method, true);
  parser.push(Buffer.from(raw, "latin1"));
  return Buffer.from(out.view()).toString("latin1");
}

test("a line of one message is written as one that was encoded before", () => {
  const [name, value] = ["x-id", "M\u00fcller; a=1"];
  const encoded = request("GET / HTTP/1.1\r\nhost: a\r\nX-Id: b\r\n\r\n", {
    lines: [headerLine(name, value)],
  });
  const written = request("GET / HTTP/1.1\r\nhost: a\r\nX-Id: b\r\n\r\n", {
    lines: [new TextLine(name, value)],
  });
  expect(written).toBe(encoded);
  expect(written).toBe(`GET / HTTP/1.1\r\nhost: a\r\nx-id: ${value}\r\n\r\n`);
  expect(new TextLine(name, value).bytes).toEqual(headerLine(name, value).bytes);
});

describe("request heads", () => {
  test("untouched lines keep case, spaces and order", () => {
    const raw = "GET /a?b=%20c HTTP/1.1\r\nHOST:  a \r\nX-b:\tc\r\nx-B: \xfc\r\nCookie: a=b\r\n\r\n";
    expect(request(raw)).toBe(raw);
  });

  test.each([
    ["Connection and what it names", "Connection: X-Hop, close\r\nX-Hop: 1\r\nX: 2\r\n", "X: 2\r\n"],
    [
      "Keep-Alive and Proxy-Connection",
      "Keep-Alive: timeout=5\r\nX: 2\r\nProxy-Connection: close\r\n",
      "X: 2\r\n",
    ],
    ["TE other than trailers", "TE: gzip\r\nX: 2\r\n", "X: 2\r\n"],
    ["Upgrade that is not forwarded", "Connection: upgrade\r\nUpgrade: h2c\r\nX: 2\r\n", "X: 2\r\n"],
    ["everything", "Keep-Alive: a\r\nConnection: close\r\n", ""],
  ])("drops %s", (_name, fields, kept) => {
    expect(request(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)).toBe(
      `GET / HTTP/1.1\r\nHost: a\r\n${kept}\r\n`,
    );
  });

  test("says anew that trailers are welcome", () => {
    expect(
      request("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate;q=0.5\r\nConnection: TE\r\n\r\n"),
    ).toBe("GET / HTTP/1.1\r\nHost: a\r\nte: trailers\r\nconnection: te\r\n\r\n");
  });

  test("keeps the length, writes the coding anew", () => {
    expect(request("PUT / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 05\r\n\r\n")).toBe(
      "PUT / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 05\r\n\r\n",
    );
    expect(request("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nX: y\r\n\r\n")).toBe(
      "PUT / HTTP/1.1\r\nHost: a\r\nX: y\r\ntransfer-encoding: chunked\r\n\r\n",
    );
  });

  test("forwards an upgrade only when told to", () => {
    const raw = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(request(raw, { upgrade: true })).toBe(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    );
    expect(request(raw)).toBe("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });

  test("upgrades HTTP/1.0 to 1.1, with a Host and without its Expect", () => {
    expect(request("GET /x HTTP/1.0\r\nExpect: 100-continue\r\nX: y\r\n\r\n")).toBe(
      "GET /x HTTP/1.1\r\nhost: \r\nX: y\r\n\r\n",
    );
  });

  test.each([
    ["GET http://a/x?y=z HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["GET http://a:8/x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\nhost: a:8\r\n\r\n"],
  ])("writes absolute form as origin form: %j", (raw, encoded) => {
    expect(request(raw)).toBe(encoded);
  });

  test("applies options", () => {
    const raw =
      "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nX-Request-Id: old\r\nContent-Length: 1\r\n\r\n";
    const options = {
      target: "/y?z",
      authority: "b:80",
      dropExpect: true,
      close: true,
      lines: [headerLine("X-Request-Id", "new")],
    };
    expect(request(raw, options)).toBe(
      "POST /y?z HTTP/1.1\r\nhost: b:80\r\nContent-Length: 1\r\nx-request-id: new\r\nconnection: close\r\n\r\n",
    );
  });

  test("sets, adds and removes fields, whatever their case", () => {
    const edits = {
      set: [headerLine("x-set", "1")],
      add: [headerLine("x-add", "2")],
      remove: ["x-gone", "host", "content-length"],
    };
    const raw =
      "PUT / HTTP/1.1\r\nHost: a\r\nX-SET: 0\r\nx-add: 0\r\nX-Gone: 1\r\nx-set: 9\r\nContent-Length: 0\r\n\r\n";
    expect(request(raw, {}, edits)).toBe(
      "PUT / HTTP/1.1\r\nHost: a\r\nx-add: 0\r\nContent-Length: 0\r\nx-set: 1\r\nx-add: 2\r\n\r\n",
    );
    expect(request(raw, {}, none)).toBe(raw);
  });

  test("holds after the bytes around it are gone", () => {
    const heads: string[] = [];
    const kept: { path: string }[] = [];
    const parser: RequestParser = new RequestParser({
      onHead: (head) => kept.push(head),
      onBody() {},
      onMessageEnd: () => parser.next(),
      onError() {},
    });
    for (const path of ["/first", "/second"])
      parser.push(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
    for (const head of kept) heads.push(head.path);
    expect(heads).toEqual(["/first", "/second"]);
  });
});

describe("response heads", () => {
  test("untouched lines keep case, spaces and order", () => {
    const raw = "HTTP/1.1 200 Fine by me\r\nSET-Cookie: a\r\nset-cookie:  b\r\nContent-Length: 2\r\n\r\n";
    expect(response(raw)).toBe(raw);
  });

  test("drops what was for this hop, answers as HTTP/1.1", () => {
    expect(
      response(
        "HTTP/1.0 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nKeep-Alive: x\r\nContent-Length: 0\r\nB: c\r\n\r\n",
      ),
    ).toBe("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nB: c\r\n\r\n");
  });

  test("writes the space that a status line without reason phrase must have", () => {
    expect(response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")).toBe(
      "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    );
  });

  test.each([
    [
      "HEAD keeps its length",
      "HEAD",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    ],
    [
      "304 keeps its length",
      "GET",
      "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n",
    ],
    ["204 has none", "GET", "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 X\r\n\r\n"],
    [
      "101 says upgrade",
      "GET",
      "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ],
    [
      "chunked is said anew",
      "GET",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    [
      "until close says close",
      "GET",
      "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\nconnection: close\r\n\r\n",
    ],
  ])("%s", (_name, method, raw, encoded) => {
    expect(response(raw, {}, undefined, method)).toBe(encoded);
  });

  test("takes another framing for an old client", () => {
    const raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(response(raw, { body: "until_close" })).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    expect(response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", { body: "chunked" })).toBe(
      "HTTP/1.1 200 OK\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    expect(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", { connection: "keep-alive" })).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nconnection: keep-alive\r\n\r\n",
    );
  });
});

describe("headerLine", () => {
  test.each([
    ["", "x"],
    ["a b", "x"],
    ["a\r\n", "x"],
    ["ü", "x"],
    ["a", "x\r\ny: z"],
    ["a", "x\0"],
    ["a", " x"],
    ["a", "\u{1f600}"],
    ["Content-Length", "5"],
    ["transfer-encoding", "chunked"],
    ["connection", "close"],
  ])("refuses %j: %j", (name, value) => {
    expect(() => headerLine(name, value)).toThrow(WeftError);
  });

  test("encodes name and value", () => {
    expect(Buffer.from(headerLine("X-A", "b c").bytes).toString()).toBe("x-a: b c\r\n");
  });
});

describe("upgrades to HTTP/2", () => {
  test.each(["h2c", "H2C", "websocket, h2c"])("%s is never passed on", (protocols) => {
    const fields = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocols}\r\nHTTP2-Settings: AAMAAABk\r\n`;
    const sent = request(`GET / HTTP/1.1\r\nHost: a\r\n${fields}X: 2\r\n\r\n`, { upgrade: true });
    expect(sent).toBe("GET / HTTP/1.1\r\nHost: a\r\nX: 2\r\n\r\n");
  });
});
