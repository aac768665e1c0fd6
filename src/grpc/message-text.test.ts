/** Status texts in the form that headers allow. */
import { expect, test } from "bun:test";
import { decodeGrpcMessage, encodeGrpcMessage } from "./message-text.ts";

test.each([
  ["plain text", "plain text"],
  ["100%", "100%25"],
  ["line\nbreak", "line%0Abreak"],
  ["grüße", "gr%C3%BC%C3%9Fe"],
  ["😈", "%F0%9F%98%88"],
  [" around ", "%20around%20"],
  [" ", "%20"],
  ["~\x7f", "~%7F"],
  ["", ""],
])("a status message %p travels as %p", (text, coded) => {
  expect(encodeGrpcMessage(text)).toBe(coded);
  expect(decodeGrpcMessage(coded)).toBe(text);
});

test("a broken escape is kept, a long message is cut between characters", () => {
  expect(decodeGrpcMessage("50% of %zz %4")).toBe("50% of %zz %4");
  expect(encodeGrpcMessage("x".repeat(10_000)).length).toBe(2048);
  expect(decodeGrpcMessage(encodeGrpcMessage(`x${"😈".repeat(1000)}`))).toBe(`x${"😈".repeat(511)}`);
});

test("no text makes a field that HTTP would refuse or change", () => {
  for (let code = 0; code < 0x300; code++) {
    const coded = encodeGrpcMessage(`${String.fromCharCode(code)}a${String.fromCharCode(code)}`);
    expect(coded).toMatch(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/);
  }
});
