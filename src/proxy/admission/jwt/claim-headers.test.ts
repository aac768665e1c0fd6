/** What of a token's claims the application gets, and what of the client's own words it does not. */
import { describe, expect, test } from "bun:test";
import { isFieldText } from "../../../http1/index.ts";
import type { ClaimHeader, JwtProvider } from "../../../model/index.ts";
import { fieldValue } from "./claim-headers.ts";
import { jwtFilter } from "./jwt-filter.ts";
import { ask, FakeExchange, type Field } from "./testing/fake-exchange.ts";
import { authentication, goodClaims, jwksOf, provider, signingKey, tokenOf } from "./testing/issuer.ts";

const key = signingKey();

function claimHeader(header: string, ...claim: string[]): ClaimHeader {
  return { $typeName: "weft.model.v1.ClaimHeader", header, claim };
}

async function bring(
  claims: object | undefined,
  fields: readonly Field[],
  more: Partial<JwtProvider>,
  version: 1 | 2 = 1,
) {
  const metrics = { asked() {}, token() {} };
  const filter = jwtFilter(authentication([provider(jwksOf(key), more)], false), { metrics });
  const token: Field[] =
    claims === undefined ? [] : [["authorization", `Bearer ${tokenOf(key, goodClaims(claims))}`]];
  const exchange = new FakeExchange({ fields: [...fields, ...token], version });
  expect(await ask(filter, exchange)).toBe("continue");
  return exchange;
}

describe("as a field", () => {
  test.each<[unknown, string | undefined]>([
    ["alice", "alice"],
    ["", ""],
    ["a b,c", "a b,c"],
    ["Zoë", "Zo\u00c3\u00ab"],
    [" alice", undefined],
    ["alice\t", undefined],
    ["a\r\nx-admin: true", undefined],
    ["a\nb", undefined],
    ["a\u0000b", undefined],
    ["a\u007fb", undefined],
    ["\u010d\u010a", "\u00c4\u008d\u00c4\u008a"],
    ["x".repeat(4_096), "x".repeat(4_096)],
    ["x".repeat(4_097), undefined],
    [7, "7"],
    [-1.5, "-1.5"],
    [9_007_199_254_740_991, "9007199254740991"],
    [2 ** 53 + 2, undefined],
    [1e300, undefined],
    [true, "true"],
    [false, "false"],
    [null, undefined],
    [undefined, undefined],
    [["a", "b", 3, true], "a,b,3,true"],
    [[], ""],
    [["user,admin"], undefined],
    [["a", " b"], undefined],
    [["a", "b\r\nc"], undefined],
    [["a", null], undefined],
    [["a", ["b"]], undefined],
    [{ a: "b\r\n" }, Buffer.from('{"a":"b\\r\\n"}').toString("base64url")],
  ])("%j", (claim, value) => {
    expect(fieldValue(claim)).toBe(value);
    if (value !== undefined) expect(isFieldText(value)).toBe(true);
  });
});

test("claims of every depth go to the application", async () => {
  const exchange = await bring({ realm: { roles: ["a", "b"] }, "x.y": 1 }, [], {
    claimHeaders: [
      claimHeader("x-user", "sub"),
      claimHeader("x-roles", "realm", "roles"),
      claimHeader("x-dotted", "x.y"),
      claimHeader("x-none", "realm", "none", "deeper"),
      claimHeader("x-proto", "realm", "constructor", "name"),
      claimHeader("x-length", "sub", "length"),
    ],
  });
  expect(exchange.forwarded.fields).toEqual([
    ["x-user", "alice"],
    ["x-roles", "a,b"],
    ["x-dotted", "1"],
  ]);
});

test("the payload goes on as it stands in the token", async () => {
  const exchange = await bring({}, [["x-payload", "forged"]], { payloadHeader: "x-payload" });
  expect(JSON.parse(Buffer.from(exchange.field("x-payload") ?? "", "base64url").toString())).toEqual(
    goodClaims(),
  );
});

describe("what clients say under the same names", () => {
  const more = {
    claimHeaders: [claimHeader("x-user", "sub"), claimHeader("x-role", "role")],
    payloadHeader: "x-payload",
  };
  const forged: Field[] = [
    ["X-User", "root"],
    ["x-user", "root2"],
    ["x-role", "admin"],
    ["x-payload", "e30"],
    ["x_user", "root"],
    ["x_role", "admin"],
    ["X_Payload", "e30"],
    ["x-userx", "kept"],
    ["y_user", "kept"],
  ];
  test.each([1, 2] as const)("is taken away without a token, HTTP/%d", async (version) => {
    const exchange = await bring(undefined, forged, more, version);
    expect(exchange.forwarded.fields).toEqual([
      ["x-userx", "kept"],
      ["y_user", "kept"],
    ]);
  });

  test.each([1, 2] as const)(
    "is taken away with one, also where it lacks the claim, HTTP/%d",
    async (version) => {
      const exchange = await bring({}, forged, more, version);
      const { fields } = exchange.forwarded;
      expect(fields.filter(([name]) => name !== "x-payload")).toEqual([
        ["x-userx", "kept"],
        ["y_user", "kept"],
        ["x-user", "alice"],
      ]);
      expect(exchange.field("x-payload")).not.toBe("e30");
    },
  );

  test("a claim that cannot be written leaves nothing, not the client's word", async () => {
    const exchange = await bring({ role: "a\r\nb" }, [["x-role", "admin"]], more);
    expect(exchange.field("x-role")).toBeUndefined();
  });
});
