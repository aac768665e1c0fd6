/** Locations: scheme, host, port and path as Gateway API fixes them. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { RedirectSchema } from "../model/index.ts";
import { PreparedRedirect, type RequestOrigin } from "./redirect.ts";
import { requestOf } from "./test/request.ts";

type Init = MessageInitShape<typeof RedirectSchema>;

const plain: RequestOrigin = { scheme: "http", port: 80, authority: "shop.example.com" };
const tls: RequestOrigin = { scheme: "https", port: 443, authority: "shop.example.com" };

function locate(init: Init, origin: RequestOrigin, target = "/a/b?c=d", matched = ""): string | undefined {
  return PreparedRedirect.prepare(create(RedirectSchema, init), matched)?.locate(requestOf(target), origin);
}

test.each<[string, Init, RequestOrigin, string]>([
  ["nothing", {}, plain, "http://shop.example.com/a/b?c=d"],
  ["nothing, over TLS", {}, tls, "https://shop.example.com/a/b?c=d"],
  ["a scheme: its own port, not shown", { scheme: "https" }, plain, "https://shop.example.com/a/b?c=d"],
  [
    "a scheme at another port: still its own",
    { scheme: "https" },
    { ...plain, port: 8080 },
    "https://shop.example.com/a/b?c=d",
  ],
  ["the scheme that it has", { scheme: "http" }, { ...plain, port: 8080 }, "http://shop.example.com/a/b?c=d"],
  ["no scheme: the listener's port", {}, { ...plain, port: 8080 }, "http://shop.example.com:8080/a/b?c=d"],
  ["the other scheme's port is shown", {}, { ...plain, port: 443 }, "http://shop.example.com:443/a/b?c=d"],
  ["a port", { port: 8443 }, plain, "http://shop.example.com:8443/a/b?c=d"],
  ["port 80 of http is not shown", { port: 80 }, { ...plain, port: 8080 }, "http://shop.example.com/a/b?c=d"],
  [
    "port 443 of https is not shown",
    { scheme: "https", port: 443 },
    plain,
    "https://shop.example.com/a/b?c=d",
  ],
  ["port 80 of https is", { scheme: "https", port: 80 }, plain, "https://shop.example.com:80/a/b?c=d"],
  ["a hostname", { hostname: "new.example.com" }, plain, "http://new.example.com/a/b?c=d"],
  [
    "the port in Host is nobody's",
    {},
    { ...plain, authority: "shop.example.com:9999" },
    "http://shop.example.com/a/b?c=d",
  ],
  ["an IPv6 host", { port: 1 }, { ...plain, authority: "[::1]:80" }, "http://[::1]:1/a/b?c=d"],
  [
    "a whole path, the query stays",
    { path: { kind: { case: "full", value: "/new" } } },
    plain,
    "http://shop.example.com/new?c=d",
  ],
  [
    "a prefix",
    { path: { kind: { case: "prefix", value: "/new" } } },
    plain,
    "http://shop.example.com/new/b?c=d",
  ],
])("with %s", (_, init, origin, expected) => {
  expect(locate(init, origin, "/a/b?c=d", "/a")).toBe(expected);
});

test("a path that begins with two slashes stays a path of the host", () => {
  expect(locate({}, plain, "//evil.example.com")).toBe("http://shop.example.com//evil.example.com");
});

test("the asterisk form has no path", () => {
  expect(locate({}, plain, "*")).toBe("http://shop.example.com/");
});

test("without any host there is no location", () => {
  expect(locate({}, { ...plain, authority: "" })).toBeUndefined();
  expect(locate({ hostname: "a.org" }, { ...plain, authority: "" })).toBe("http://a.org/a/b?c=d");
});
