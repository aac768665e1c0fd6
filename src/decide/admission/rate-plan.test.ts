/** Which requests a limit counts, in which bucket, at which rate. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { RateLimitKeySchema, RateLimitSchema } from "../../model/index.ts";
import { requestOf } from "../test/request.ts";
import { RateKeys } from "./rate-keys.ts";
import { RatePlan } from "./rate-plan.ts";
import type { AdmissionRequest } from "./request.ts";

const mesh = { trustDomain: "m", trustDomainAliases: [] };

interface Asked {
  readonly target?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly identity?: string;
  readonly authority?: string;
  readonly claims?: AdmissionRequest["claims"];
  readonly isTcp?: boolean;
}

function asked(init: Asked = {}): AdmissionRequest {
  const view = requestOf(init.target ?? "/", {
    method: init.method ?? "GET",
    headers: init.headers ?? {},
  });
  return {
    caller: {
      identity: init.identity ?? "spiffe://m/ns/shop/sa/web",
      address: "10.0.0.1",
      addressPort: 4711,
      isTls: true,
      serverName: "",
      port: 8080,
      service: "shop/cart",
      destination: "shop/cart-1",
    },
    remoteAddress: "203.0.113.9",
    http:
      init.isTcp === true
        ? undefined
        : {
            ...view,
            authority: init.authority ?? "Shop.Example:8443",
            scheme: "https",
            version: "HTTP/1.1",
            isGrpc: false,
            requestId: "r",
          },
    claims: init.claims,
    nowMs: 0,
  };
}

type KeyInit = MessageInitShape<typeof RateLimitKeySchema>["value"];

function keysOf(...values: NonNullable<KeyInit>[]): RateKeys {
  return new RateKeys(values.map((value, index) => create(RateLimitKeySchema, { name: `k${index}`, value })));
}

describe("a key", () => {
  const claims = { sub: "u1", org: { id: 7, roles: ["a", "b"] }, gone: null };
  const cases: readonly (readonly [NonNullable<KeyInit>, string | undefined, string | undefined])[] = [
    [{ case: "sourceIdentity", value: true }, "spiffe://m/ns/shop/sa/web", "spiffe://m/ns/shop/sa/web"],
    [{ case: "sourceNamespace", value: true }, "shop", "shop"],
    [{ case: "sourceAddress", value: true }, "10.0.0.1", "10.0.0.1"],
    [{ case: "remoteAddress", value: true }, "203.0.113.9", "203.0.113.9"],
    [{ case: "header", value: "x-tenant" }, "t1", undefined],
    [{ case: "header", value: "x-empty" }, undefined, undefined],
    [{ case: "path", value: true }, "/a/b", undefined],
    [{ case: "method", value: true }, "GET", undefined],
    [{ case: "host", value: true }, "shop.example", undefined],
    [{ case: "claim", value: { path: ["sub"] } }, "u1", "u1"],
    [{ case: "claim", value: { path: ["org", "id"] } }, "7", "7"],
    [{ case: "claim", value: { path: ["org", "roles"] } }, '["a","b"]', '["a","b"]'],
    [{ case: "claim", value: { path: ["org", "constructor"] } }, undefined, undefined],
    [{ case: "claim", value: { path: ["gone"] } }, undefined, undefined],
    [{ case: "claim", value: { path: ["sub", "length"] } }, undefined, undefined],
    [{ case: "constant", value: "all" }, "all", "all"],
  ];
  for (const [key, ofRequest, ofConnection] of cases) {
    test(`${key.case} ${JSON.stringify(key.value)}`, () => {
      const init = { target: "/a/b", headers: { "x-tenant": "t1", "x-empty": "" }, claims };
      expect(keysOf(key).id(asked(init))).toBe(ofRequest);
      expect(keysOf(key).id(asked({ ...init, isTcp: true }))).toBe(ofConnection);
    });
  }

  test("a caller without an identity has none to be counted by", () => {
    expect(keysOf({ case: "sourceIdentity", value: true }).id(asked({ identity: "" }))).toBeUndefined();
    expect(
      keysOf({ case: "sourceNamespace", value: true }).id(asked({ identity: "spiffe://x/y" })),
    ).toBeUndefined();
  });

  test("every spelling of a path is one bucket", () => {
    const keys = keysOf({ case: "path", value: true });
    for (const target of [
      "/a/b",
      "//a///b",
      "/a/./b",
      "/x/../a/b",
      "/%61/b",
      "/a%2fb",
      "/a%2Fb?q=1",
      "/a\\b",
      "/a%5cb",
      "/a;v=1/b",
      "/a/x/%2e%2e/b",
      "/x%2f..%2fa/b",
    ]) {
      expect([target, keys.id(asked({ target }))]).toEqual([target, "/a/b"]);
    }
  });

  test("a long value is bounded, and still its own", () => {
    const keys = keysOf({ case: "header", value: "x" });
    const id = (value: string) => keys.id(asked({ headers: { x: value } })) ?? "";
    expect(id("a".repeat(9_000)).length).toBeLessThan(100);
    expect(id("a".repeat(9_000))).not.toBe(id("a".repeat(9_001)));
  });
});

describe("several keys", () => {
  const keys = keysOf({ case: "header", value: "a" }, { case: "header", value: "b" });
  const id = (a: string, b: string) => keys.id(asked({ headers: { a, b } }));

  test("are told apart by every value, however the values look together", () => {
    const ids = [id("x", "yz"), id("xy", "z"), id("x:y", "z"), id("1:x", "y"), id("1", "x:y")];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("are needed all of them", () => {
    expect(keys.id(asked({ headers: { a: "x" } }))).toBeUndefined();
  });
});

describe("overrides", () => {
  const limit = create(RateLimitSchema, {
    keys: [
      { name: "who", value: { case: "header", value: "who" } },
      { name: "method", value: { case: "method", value: true } },
    ],
    requests: 10n,
    periodMs: 1_000,
    overrides: [
      { values: ["admin-*", "*"], isUnlimited: true },
      { values: ["*-gold", "GET"], requests: 500n, periodMs: 1_000 },
      { values: ["bob", "*"], requests: 3n, periodMs: 60_000, burst: 9n },
      { values: ["bob", "GET"], requests: 4n, periodMs: 1_000 },
    ],
  });
  const plan = new RatePlan(limit, mesh, 1);

  test.each([
    [["admin-1", "PUT"], undefined],
    [["acme-gold", "GET"], 500],
    [["acme-gold", "PUT"], 10],
    [["bob", "GET"], 3],
    [["bobby", "GET"], 10],
  ] as const)("of %p the first that fits counts", (values, requests) => {
    expect([plan.rateOf(values)?.requests]).toEqual([requests]);
  });

  test("bring their own burst", () => {
    expect(plan.rateOf(["bob", "GET"])?.burst).toBe(9);
    expect(plan.rateOf(["acme-gold", "GET"])?.burst).toBe(500);
  });
});

describe("a limit with matches", () => {
  const plan = new RatePlan(
    create(RateLimitSchema, {
      matches: [{ to: [{ methods: ["POST"] }] }, { to: [{ paths: ["/admin/*"] }] }],
    }),
    mesh,
    1,
  );
  const isCounted = (init: Asked) => plan.bucketId(asked(init)) !== undefined;

  test("counts what any of them matches, and one without counts all", () => {
    expect([isCounted({ method: "POST" }), isCounted({ target: "/admin/x" }), isCounted({})]).toEqual([
      true,
      true,
      false,
    ]);
    expect(new RatePlan(create(RateLimitSchema, {}), mesh, 1).bucketId(asked({}))).toBe("");
  });

  test("counts a path that any server could take for one that is meant", () => {
    for (const target of ["/x/../admin/x", "/admin%2fx", "//admin/x", "/admin;a=b/x", "/a%00"]) {
      expect([target, isCounted({ target })]).toEqual([target, true]);
    }
  });

  test("counts no raw connection where a request is asked for, and one where its caller is", () => {
    expect(isCounted({ method: "POST", isTcp: true })).toBe(false);
    const ofCaller = create(RateLimitSchema, { matches: [{ from: [{ namespaces: ["shop"] }] }] });
    expect(new RatePlan(ofCaller, mesh, 1).bucketId(asked({ isTcp: true }))).toBe("");
    expect(
      new RatePlan(ofCaller, mesh, 1).bucketId(asked({ identity: "spiffe://m/ns/bank/sa/x" })),
    ).toBeUndefined();
  });
});
