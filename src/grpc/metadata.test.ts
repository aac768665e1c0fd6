/** Metadata in the form that headers allow. */
import { expect, test } from "bun:test";
import { HeaderFields } from "../http2/index.ts";
import { appendMetadata, readMetadata } from "./metadata.ts";

test("metadata keeps out of the protocol's own fields and drops what no field may hold", () => {
  const fields = new HeaderFields();
  appendMetadata(
    fields,
    new Map([
      ["x-a", "1"],
      ["grpc-status", "0"],
      [":path", "/evil"],
      ["content-type", "text/html"],
      ["x-b", "line\r\nbreak"],
      ["X-C", "upper"],
      ["x-d", " padded"],
      ["authorization", "Bearer t"],
    ]),
  );
  expect(fields.entries()).toEqual([
    ["x-a", "1"],
    ["authorization", "Bearer t"],
  ]);
  expect(fields.isSensitive(1)).toBe(true);
  const read = readMetadata(
    HeaderFields.of([
      [":path", "/"],
      ["x-a", "1"],
      ["te", "trailers"],
      ["x-a", "2"],
    ]),
  );
  expect([...read]).toEqual([["x-a", "1,2"]]);
});
