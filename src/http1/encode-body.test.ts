/** Chunked framing that we write is the framing that we read. */
import { expect, test } from "bun:test";
import { ByteWriter } from "../kernel/index.ts";
import { encodeChunk, encodeLastChunk } from "./encode-body.ts";
import { encodeErrorResponse } from "./encode-error-response.ts";
import { headerLine } from "./header-line.ts";
import { recordResponses } from "./testdata/recorder.ts";

test("chunks of all sizes come back, with trailers", () => {
  const out = new ByteWriter();
  out.latin1("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  let content = "";
  for (const size of [1, 9, 10, 15, 16, 17, 255, 256, 4096]) {
    const data = "z".repeat(size);
    content += data;
    encodeChunk(out, Buffer.from(data));
    encodeChunk(out, new Uint8Array(0));
  }
  encodeLastChunk(out, Buffer.from("x-sum: 1\r\n"));
  expect(recordResponses([Buffer.from(out.view())])).toEqual([
    `200 chunked keep ${JSON.stringify(content)} trailers "x-sum: 1\\r\\n"`,
  ]);
});

test("an error response is one that a client can read", () => {
  const out = new ByteWriter();
  encodeErrorResponse(out, {
    status: 503,
    body: "no endpoint ü\n",
    lines: [headerLine("x-request-id", "1")],
  });
  expect(recordResponses([Buffer.from(out.view())])).toEqual([
    `503 length close ${JSON.stringify(Buffer.from("no endpoint ü\n").toString("latin1"))}`,
  ]);
});

test("an error response to HEAD tells the length and has no content", () => {
  const out = new ByteWriter();
  encodeErrorResponse(out, { status: 404, body: "gone\n", isHead: true, keepAlive: true });
  const text = Buffer.from(out.view()).toString();
  expect(text).toContain("content-length: 5\r\n");
  expect(recordResponses([Buffer.from(text)], { methods: ["HEAD"] })).toEqual(["404 none keep"]);
});
