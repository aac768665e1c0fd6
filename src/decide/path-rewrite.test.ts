/** New paths: Gateway API's table for prefixes, and what stands beside it. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { PathRewriteSchema } from "../model/index.ts";
import { PreparedPathRewrite } from "./path-rewrite.ts";

function rewrite(kind: MessageInitShape<typeof PathRewriteSchema>["kind"], matched: string, path: string) {
  const message = create(PathRewriteSchema, kind === undefined ? {} : { kind });
  return PreparedPathRewrite.prepare(message, matched)?.apply(path);
}

test.each([
  // Gateway API's own table.
  ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
  ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
  ["/foo", "/foo", "/xyz", "/xyz"],
  ["/foo/", "/foo", "/xyz", "/xyz/"],
  ["/foo/bar", "/foo", "", "/bar"],
  ["/foo/", "/foo", "", "/"],
  ["/foo", "/foo", "", "/"],
  ["/foo/", "/foo", "/", "/"],
  ["/foo", "/foo", "/", "/"],
  // The prefix that covers everything.
  ["/bar", "", "/xyz", "/xyz/bar"],
  ["/bar", "/", "/xyz", "/xyz/bar"],
  ["/", "/", "/xyz", "/xyz/"],
  ["/bar", "", "", "/bar"],
  ["/", "", "/", "/"],
  // Only at a segment's boundary; the table never sends such a request here.
  ["/foobar", "/foo", "/xyz", "/foobar"],
  // Other spellings of the prefix are replaced too, and nothing climbs out of it.
  ["/%66oo/b%2fr", "/foo", "/xyz", "/xyz/b%2Fr"],
  ["/x/../foo/bar", "/foo", "/xyz", "/xyz/bar"],
  ["/foo/./a/../b", "/foo", "/xyz", "/xyz/b"],
  ["/foo//bar", "/foo", "/xyz", "/xyz//bar"],
  ["*", "", "/xyz", "*"],
  ["", "", "/xyz", ""],
])("%s with prefix %p replaced by %p is %s", (path, matched, value, expected) => {
  expect(rewrite({ case: "prefix", value }, matched, path)).toBe(expected);
});

test.each([
  ["/a/b", "/one/two", "/one/two"],
  ["/a/b", "", "/"],
  ["*", "/one", "*"],
])("%s replaced as a whole by %p is %s", (path, value, expected) => {
  expect(rewrite({ case: "full", value }, "/a", path)).toBe(expected);
});

test("without a kind there is nothing to rewrite", () => {
  expect(rewrite(undefined, "/a", "/a")).toBeUndefined();
});
