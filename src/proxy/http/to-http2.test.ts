/** Header lists that a proxy makes for the next hop: what lines of its own do to a client's fields. */
import { expect, test } from "bun:test";
import { HeaderFields } from "../../http2/index.ts";
import { Http2Request } from "./http2-request.ts";
import { http2RequestFields } from "./to-http2.ts";

function request(): Http2Request {
  const fields = new HeaderFields();
  fields.add(":method", "GET");
  fields.add(":scheme", "https");
  fields.add(":path", "/");
  fields.add("x-told", "by the client");
  fields.add("x-other", "stays");
  return new Http2Request(fields, true);
}

test.each([
  ["has a value takes the client's place", "ours", ["ours"]],
  ["has no bytes takes the client's away", "", []],
])("a line that %s", (_, value, expected) => {
  const bytes = Buffer.from(value === "" ? "" : `x-told: ${value}\r\n`);
  const made = http2RequestFields(request(), {
    edits: undefined,
    lines: [{ nameLower: "x-told", value, bytes }],
    scheme: "https",
    protocol: undefined,
  });
  const told = made.values.filter((_each, index) => made.names[index] === "x-told");
  expect(told).toEqual(expected);
  expect(made.names).toContain("x-other");
});
