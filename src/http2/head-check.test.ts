/** The verdict that the decoder gives on the way against the rules read field by field: the same on any list. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { checkRequest, checkResponse, checkTrailers, contentLengthOf } from "./field-rules.ts";
import { HeaderFields } from "./header-fields.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { encodeBlock } from "./testing.ts";

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  maxLength: 6,
});
const name = fc.oneof(
  fc.constantFrom(":method", ":scheme", ":path", ":authority", ":protocol", ":status", ":other"),
  fc.constantFrom("te", "host", "connection", "upgrade", "keep-alive", "content-length", "cookie", "x-a"),
  anyText,
);
const value = fc.oneof(
  fc.constantFrom(
    "GET",
    "CONNECT",
    "OPTIONS",
    "http",
    "/",
    "/a#b",
    "*",
    "a",
    "A",
    "a:1",
    "u@a",
    "200",
    "099",
  ),
  fc.constantFrom("", " a", "a ", "a\tb", "a\0", "trailers", "Trailers", "5", "05", "-5", "9".repeat(17)),
  anyText,
);
const requestBase: [string, string][] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
];
const field = fc.tuple(name, value);
const list = fc.oneof(
  fc.array(field, { maxLength: 6, size: "max" }),
  fc.array(field, { maxLength: 3, size: "max" }).map((rest) => [...requestBase, ...rest]),
  fc
    .tuple(field, fc.nat(3))
    .map(([changed, at]) => requestBase.map((each, i) => (i === at ? changed : each))),
  fc
    .array(field, { maxLength: 3, size: "max" })
    .map((rest) => [[":status", "200"] as [string, string], ...rest]),
);

test("both say the same of any list, sent plainly or from the table", () => {
  const seen = { request: 0, response: 0, trailers: 0, malformed: 0 };
  fc.assert(
    fc.property(list, fc.boolean(), (entries, acceptsExtendedConnect) => {
      const fields = HeaderFields.of(entries);
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4096, 65536);
      // First as literals, then from the dynamic table.
      for (let round = 0; round < 3; round++) {
        const decoded = decoder.decode(encodeBlock(encoder, fields));
        expect(decoded instanceof HeaderFields && decoded.entries()).toEqual(fields.entries());
        const { check } = decoder;
        const slow = checkRequest(fields, acceptsExtendedConnect);
        expect(check.requestProblem(acceptsExtendedConnect) === undefined).toBe(slow === undefined);
        const status = checkResponse(fields);
        const fast = check.response();
        expect(typeof fast === "number" ? fast : "problem").toBe(
          typeof status === "number" ? status : "problem",
        );
        const trailers = checkTrailers(fields);
        expect(check.trailersProblem() === undefined).toBe(trailers === undefined);
        expect(check.contentLength).toBe(contentLengthOf(fields));
        if (slow === undefined) seen.request++;
        if (typeof status === "number") seen.response++;
        if (trailers === undefined) seen.trailers++;
        if (slow !== undefined && typeof status === "string" && trailers !== undefined) seen.malformed++;
      }
    }),
    { numRuns: 3000 },
  );
  // Otherwise one kind of verdict was never compared.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
});
