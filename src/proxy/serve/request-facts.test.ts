/** What filters make of a request's fields: nothing that a client says stays where a filter has spoken. */
import { expect, test } from "bun:test";
import { http1Head } from "../admission/external/test/fake-exchange.ts";
import { RequestFacts } from "./request-facts.ts";

function facts(): RequestFacts {
  const text = "GET / HTTP/1.1\r\nhost: a\r\nx-user: mallory\r\n\r\n";
  return new RequestFacts(http1Head(text), "http", "id-1");
}

test.each([
  ["a plain value", "ann", "ann"],
  ["a value whose last byte is a space to JavaScript", "Bor\u00c3\u00a0", "Bor\u00c3\u00a0"],
  ["a value with an end of line", "ann\r\nx-admin: 1", undefined],
  ["a value with space around it", " ann", undefined],
])("%s takes the client's place", (_, value, expected) => {
  const request = facts();
  request.set("x-user", value);
  expect(request.header("x-user")).toBe(expected);
  expect([...(request.lines ?? [])].map(({ nameLower }) => nameLower)).toEqual(["x-user"]);
});

test.each(["host", "x-forwarded-client-cert", "weft-try", "x-request-id", "content-length", "a b"])(
  "%s is nobody's to set",
  (name) => {
    const request = facts();
    request.set(name, "1");
    request.add(name, "1");
    request.remove(name);
    expect(request.lines).toBeUndefined();
    expect(request.edits(undefined)).toBeUndefined();
  },
);
