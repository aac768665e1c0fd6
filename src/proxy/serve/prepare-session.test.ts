/** Session tokens and the cookies that carry them. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SessionPersistenceSchema } from "../../model/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { Http2Request } from "../http/index.ts";
import { cookieValue } from "./cookies.ts";
import { prepareSession } from "./prepare-session.ts";
import type { Session } from "./session.ts";
import { clusterId, encodeToken, endpointId, readToken, type SessionToken } from "./session-token.ts";

const now = 1_800_000_000;
const token: SessionToken = {
  cluster: clusterId("default/echo:80"),
  endpoint: endpointId("default/echo-1"),
  issued: now,
  seen: now,
};
const endless = { absoluteSeconds: 0, idleSeconds: 0 };

function session(init: MessageInitShape<typeof SessionPersistenceSchema>): Session {
  const prepared = prepareSession(create(SessionPersistenceSchema, init));
  if (prepared === undefined) throw new Error("it is a session");
  return prepared;
}

function request(name: string, value: string): Http2Request {
  const fields = new HeaderFields();
  for (const [key, text] of [
    [":method", "GET"],
    [":path", "/"],
    [name, value],
  ] as const)
    fields.add(key, text);
  return new Http2Request(fields, true);
}

function cookie(value: { name?: string; path?: string; maxAgeSeconds?: number }) {
  return { case: "cookie" as const, value: { name: "s", path: "/", ...value } };
}

describe("cookieValue", () => {
  test.each([
    ["a=1; s=x; b=2", "x"],
    ["s=x", "x"],
    ["as=1;s=x", "x"],
    ["a=1, s=x, b=2", "x"],
    ["s=; s=y", ""],
    ["as=1; sa=2", undefined],
    ["", undefined],
  ])("of s in %p", (header, expected) => {
    expect(cookieValue(header, "s")).toBe(expected);
  });
});

describe("session token", () => {
  test("comes back as it went, and names nothing of the mesh", () => {
    const text = encodeToken(token);
    expect(readToken(text, endless, now)).toEqual(token);
    expect(text).toMatch(/^[0-9a-f]{40}$/);
    expect(text).not.toContain(Buffer.from("echo").toString("hex"));
  });

  test("ends after the absolute timeout, used or not, and after the idle one, unless used", () => {
    const text = encodeToken({ ...token, seen: now + 50 });
    const at = (seconds: number, timeouts: Partial<typeof endless>) =>
      readToken(text, { ...endless, ...timeouts }, now + seconds) !== undefined;
    expect([99, 100].map((seconds) => at(seconds, { absoluteSeconds: 100 }))).toEqual([true, false]);
    expect([149, 150].map((seconds) => at(seconds, { idleSeconds: 100 }))).toEqual([true, false]);
    expect(at(1_000_000, {})).toBe(true);
  });

  test.each(["", "x", `${encodeToken(token)}0`, "z".repeat(40), "../../etc"])("%p is none", (text) => {
    expect(readToken(text, endless, now)).toBeUndefined();
  });

  test("one from the future is none: it would never end", () => {
    expect(readToken(encodeToken({ ...token, issued: now + 3_600 }), endless, now)).toBeUndefined();
    expect(readToken(encodeToken({ ...token, seen: now + 3_600 }), endless, now)).toBeUndefined();
  });
});

describe("prepareSession", () => {
  test("a cookie of the browser's session", () => {
    const prepared = session({ carrier: cookie({ path: "/shop" }) });
    expect(prepared.line(token, false).value).toBe(
      `s=${encodeToken(token)}; Path=/shop; HttpOnly; SameSite=Lax`,
    );
    expect(prepared.line(token, true).value).toEndWith("; HttpOnly; SameSite=Lax; Secure");
    expect(prepared.read(request("cookie", `a=b; s=${encodeToken(token)}`), now)).toEqual(token);
    expect(prepared.read(request("cookie", "a=b"), now)).toBeUndefined();
  });

  test("a permanent cookie ends with the session, however often it is renewed", () => {
    const prepared = session({ carrier: cookie({ maxAgeSeconds: 3_600 }), absoluteTimeoutSeconds: 3_600 });
    expect(prepared.line(token, false).value).toContain("; Max-Age=3600;");
    expect(prepared.line({ ...token, seen: now + 600 }, false).value).toContain("; Max-Age=3000;");
  });

  test("a header", () => {
    const prepared = session({ carrier: { case: "header", value: "X-Session" } });
    expect(prepared.line(token, true)).toMatchObject({ nameLower: "x-session", value: encodeToken(token) });
    expect(prepared.read(request("x-session", encodeToken(token)), now)).toEqual(token);
  });

  test("what the client holds is written anew when a tenth of the idle timeout has passed", () => {
    const prepared = session({ carrier: cookie({}), idleTimeoutSeconds: 100 });
    expect([0, 9, 10].map((seconds) => prepared.isStale(token, now + seconds))).toEqual([false, false, true]);
    expect(session({ carrier: cookie({}) }).isStale(token, now + 1_000_000)).toBe(false);
  });

  test.each([
    ["no carrier", {}],
    ["a cookie without a name", { carrier: cookie({ name: "" }) }],
    ["a cookie that would say more", { carrier: cookie({ name: "s; Domain=evil" }) }],
    ["a header that frames messages", { carrier: { case: "header" as const, value: "Content-Length" } }],
    ["a header that is none", { carrier: { case: "header" as const, value: "x\r\ny" } }],
  ])("%s: no session", (_, init) => {
    expect(prepareSession(create(SessionPersistenceSchema, init))).toBeUndefined();
  });

  test("a path that would end the attribute is not said", () => {
    expect(session({ carrier: cookie({ path: "/a; Domain=x" }) }).line(token, false).value).toContain(
      "; Path=/;",
    );
  });
});
