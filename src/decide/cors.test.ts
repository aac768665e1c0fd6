/** CORS: which origins are allowed, what a preflight is told, what an actual response says. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BackendSchema, CorsSchema, HttpRuleSchema } from "../model/index.ts";
import { OriginSet } from "./origin-set.ts";
import { prepareRule, selectBackend } from "./rule.ts";
import { requestOf } from "./test/request.ts";

type Init = MessageInitShape<typeof CorsSchema>;
const shop = "https://shop.example.com";

function rule(cors: Init, extra: MessageInitShape<typeof HttpRuleSchema> = {}) {
  const message = create(HttpRuleSchema, extra);
  message.cors = create(CorsSchema, cors);
  message.backends = [create(BackendSchema, { cluster: "a", weight: 1 })];
  return prepareRule(message);
}

function shown(headers: readonly { readonly nameLower: string; readonly value: string }[]) {
  return Object.fromEntries(headers.map(({ nameLower, value }) => [nameLower, value]));
}

function preflight(cors: Init, headers: Record<string, string> = {}): Record<string, string | number> {
  const view = requestOf("/", {
    method: "OPTIONS",
    headers: { origin: shop, "access-control-request-method": "PUT", ...headers },
  });
  const answer = rule(cors).answers?.answer(view, { scheme: "https", port: 443, authority: "api" });
  if (answer === undefined || answer === "no_location") throw new Error("no answer");
  return { status: answer.status, ...shown(answer.headers) };
}

function response(cors: Init, origin: string | undefined, extra?: MessageInitShape<typeof HttpRuleSchema>) {
  const headers = origin === undefined ? {} : { origin };
  const edits = selectBackend(rule(cors, extra), 0).changes?.cors?.of(requestOf("/", { headers }));
  return { set: shown(edits?.set ?? []), add: shown(edits?.add ?? []), remove: edits?.remove ?? [] };
}

describe("origins", () => {
  test.each([
    ["*", "https://any.example.com", true],
    ["*", "null", true],
    [shop, shop, true],
    [shop, "https://SHOP.example.com", true],
    [shop, "http://shop.example.com", false],
    [shop, "https://shop.example.com:443", true],
    [shop, "https://shop.example.com:8443", false],
    ["https://shop.example.com:8443", "https://shop.example.com:8443", true],
    ["http://shop.example.com:80", "http://shop.example.com", true],
    ["https://*.example.com", "https://a.example.com", true],
    ["https://*.example.com", "https://a.b.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "https://.example.com", false],
    ["https://*.example.com", "https://example.com.evil.org", false],
    ["https://*.example.com", "https://notexample.com", false],
    ["https://*.example.com", "http://a.example.com", false],
    ["https://*.example.com", "https://a.example.com:8443", false],
    ["https://*.example.com", "https://evil.org/.example.com", false],
    ["https://*.example.com", "https://evil.org#.example.com", false],
    ["https://*.example.com", "https://evil.org?.example.com", false],
    ["https://*.example.com", "https://u@a.example.com", false],
    ["https://*", "https://anything", true],
    ["https://*", "https://anything:8443", false],
    ["https://*:8443", "https://anything:8443", true],
    ["http://*", "http://[::1]", true],
    ["https://*", "null", false],
    ["https://*", "https://a.example.com, https://b.example.com", false],
    [shop, "", false],
  ])("%s and %s: %p", (allowed, origin, expected) => {
    expect(new OriginSet([allowed]).has(origin)).toBe(expected);
  });
});

describe("a preflight", () => {
  const strict: Init = {
    allowOrigins: [shop],
    allowCredentials: true,
    allowMethods: ["GET", "PUT"],
    allowHeaders: ["X-A", "X-B"],
    exposeHeaders: ["X-C"],
    maxAgeSeconds: 600,
  };

  test("is told everything that the policy allows", () => {
    expect(preflight(strict)).toEqual({
      status: 204,
      "access-control-allow-origin": shop,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, PUT",
      "access-control-allow-headers": "X-A, X-B",
      "access-control-expose-headers": "X-C",
      "access-control-max-age": "600",
    });
  });

  test("of another origin is told nothing", () => {
    expect(preflight(strict, { origin: "https://evil.org" })).toEqual({ status: 403 });
  });

  test("gets wildcards where there are no credentials", () => {
    const any = ["*"];
    expect(
      preflight({ allowOrigins: any, allowMethods: any, allowHeaders: any, exposeHeaders: any }),
    ).toEqual({
      status: 204,
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "*",
      "access-control-allow-headers": "*",
      "access-control-expose-headers": "*",
    });
  });

  test("with credentials gets what it asked for, and never a wildcard", () => {
    const any = ["*"];
    const open: Init = {
      allowOrigins: any,
      allowCredentials: true,
      allowMethods: any,
      allowHeaders: any,
      exposeHeaders: any,
    };
    expect(preflight(open, { "access-control-request-headers": "x-1, authorization" })).toEqual({
      status: 204,
      "access-control-allow-origin": shop,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-1, authorization",
    });
    expect(preflight(open)).not.toHaveProperty("access-control-allow-headers");
  });

  test("hears its own header names where all are allowed: the wildcard does not cover Authorization", () => {
    const answer = preflight(
      { allowOrigins: ["*"], allowHeaders: ["*"] },
      { "access-control-request-headers": "authorization" },
    );
    expect(answer).toMatchObject({ "access-control-allow-headers": "authorization" });
  });

  test("never gets back what is no plain text", () => {
    const answer = preflight(
      { allowOrigins: ["*"], allowCredentials: true, allowHeaders: ["*"] },
      { "access-control-request-headers": "x\u00e9" },
    );
    expect(answer).not.toHaveProperty("access-control-allow-headers");
  });

  test.each<[string, Record<string, string>, string]>([
    ["no origin", { "access-control-request-method": "PUT" }, "OPTIONS"],
    ["no method that is asked for", { origin: shop }, "OPTIONS"],
    ["another method", { origin: shop, "access-control-request-method": "PUT" }, "GET"],
  ])("is none with %s", (_, headers, method) => {
    const answers = rule({ allowOrigins: ["*"] }).answers;
    const origin = { scheme: "http", port: 80, authority: "a" } as const;
    expect(answers?.answer(requestOf("/", { method, headers }), origin)).toBeUndefined();
  });
});

describe("a response", () => {
  test("to an allowed origin repeats it, and caches are told", () => {
    const { set, add, remove } = response({ allowOrigins: [shop], exposeHeaders: ["X-C"] }, shop);
    expect(set).toEqual({ "access-control-allow-origin": shop, "access-control-expose-headers": "X-C" });
    expect(add).toEqual({ vary: "Origin" });
    expect(remove).toContain("access-control-allow-credentials");
  });

  test("to everybody is the same for everybody", () => {
    expect(response({ allowOrigins: ["*"] }, shop)).toMatchObject({
      set: { "access-control-allow-origin": "*" },
      add: {},
    });
  });

  test("with credentials names the origin also where all are allowed", () => {
    expect(response({ allowOrigins: ["*"], allowCredentials: true }, shop)).toMatchObject({
      set: { "access-control-allow-origin": shop, "access-control-allow-credentials": "true" },
      add: { vary: "Origin" },
    });
  });

  test.each([undefined, "https://evil.org"])(
    "to origin %p says nothing, whatever the backend says",
    (origin) => {
      const { set, add, remove } = response({ allowOrigins: [shop] }, origin);
      expect(set).toEqual({});
      expect(add).toEqual({ vary: "Origin" });
      expect(remove).toContain("access-control-allow-origin");
    },
  );

  test("keeps the edits of the rule", () => {
    const { set } = response({ allowOrigins: [shop] }, shop, {
      responseHeaders: {
        set: [
          { name: "x-a", value: "1" },
          { name: "access-control-allow-origin", value: "*" },
        ],
      },
    });
    expect(set).toEqual({ "x-a": "1", "access-control-allow-origin": shop });
  });

  test("that is a redirect carries them too", () => {
    const { answers } = rule(
      { allowOrigins: [shop] },
      { redirect: { hostname: "new.example.com", status: 308 } },
    );
    const view = requestOf("/a", { headers: { origin: shop } });
    const answer = answers?.answer(view, { scheme: "https", port: 443, authority: "old" });
    if (answer === undefined || answer === "no_location") throw new Error("no answer");
    expect(answer.status).toBe(308);
    expect(shown(answer.headers)).toEqual({
      location: "https://new.example.com/a",
      "access-control-allow-origin": shop,
      vary: "Origin",
    });
  });
});
