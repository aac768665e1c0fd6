/** Tokens in every place, in every spelling of it, and what is left of the place behind them. */
import { describe, expect, test } from "bun:test";
import type { JwtLocation, JwtProvider } from "../../../model/index.ts";
import { jwtFilter } from "./jwt-filter.ts";
import { ask, FakeExchange, type Field, type RequestSketch } from "./testing/fake-exchange.ts";
import {
  authentication,
  fromAuthorization,
  goodClaims,
  jwksOf,
  location,
  provider,
  signingKey,
  tokenOf,
} from "./testing/issuer.ts";

const key = signingKey();
const jwks = jwksOf(key);
const token = tokenOf(key);
const other = tokenOf(key, goodClaims({ sub: "bob" }));
const header = (name: string, prefix = ""): JwtLocation => location({ case: "header", value: name }, prefix);
const query = location({ case: "queryParameter", value: "access_token" });
const cookie = location({ case: "cookie", value: "session" });

async function bring(sketch: RequestSketch, more: Partial<JwtProvider> = {}, required = true) {
  const outcomes: string[] = [];
  const metrics = { asked() {}, token: (outcome: string) => void outcomes.push(outcome) };
  const filter = jwtFilter(authentication([provider(jwks, more)], required), { metrics });
  const exchange = new FakeExchange(sketch);
  const step = await ask(filter, exchange);
  return { exchange, step, outcome: outcomes.join(",") };
}

describe("from the Authorization header", () => {
  test.each<[string, readonly Field[], string]>([
    ["as everybody writes it", [["authorization", `Bearer ${token}`]], "valid"],
    ["scheme in lower case", [["authorization", `bearer ${token}`]], "valid"],
    ["scheme in capitals", [["AUTHORIZATION", `BEARER ${token}`]], "valid"],
    ["several spaces", [["authorization", `Bearer   ${token}`]], "valid"],
    ["a tab", [["authorization", `Bearer\t${token}`]], "valid"],
    ["no scheme", [["authorization", token]], "missing"],
    ["another scheme", [["authorization", `Basic ${token}`]], "missing"],
    ["a scheme that begins alike", [["authorization", `BearerX ${token}`]], "missing"],
    ["no space", [["authorization", `Bearer${token}`]], "missing"],
    ["nothing", [["authorization", ""]], "missing"],
    ["no field", [], "missing"],
    ["scheme alone", [["authorization", "Bearer"]], "malformed"],
    ["a no-break space", [["authorization", `Bearer\u00a0${token}`]], "malformed"],
    ["equals sign", [["authorization", `Bearer=${token}`]], "malformed"],
    ["quotes", [["authorization", `Bearer "${token}"`]], "malformed"],
    ["something behind", [["authorization", `Bearer ${token} x`]], "malformed"],
    ["two in one field", [["authorization", `Bearer ${token}, Bearer ${other}`]], "ambiguous"],
    [
      "two fields",
      [
        ["authorization", `Bearer ${token}`],
        ["authorization", `Bearer ${other}`],
      ],
      "ambiguous",
    ],
    [
      "one twice",
      [
        ["authorization", `Bearer ${token}`],
        ["authorization", `Bearer ${token}`],
      ],
      "ambiguous",
    ],
    [
      "behind another scheme",
      [
        ["authorization", "Basic eDp5"],
        ["authorization", `Bearer ${token}`],
      ],
      "ambiguous",
    ],
    [
      "before another scheme",
      [
        ["authorization", `Bearer ${token}`],
        ["authorization", "Basic eDp5"],
      ],
      "ambiguous",
    ],
    ["a scheme with a list", [["authorization", 'Digest username="x", realm="y"']], "missing"],
  ])("%s", async (_name, fields, outcome) => {
    for (const version of [1, 2] as const) {
      expect((await bring({ fields, version })).outcome).toBe(outcome);
    }
  });
});

describe("from other headers", () => {
  test("without a prefix the whole value is the token", async () => {
    const locations = [header("x-token")];
    expect((await bring({ fields: [["x-token", token]] }, { locations })).outcome).toBe("valid");
    expect((await bring({ fields: [["x-token", ""]] }, { locations })).outcome).toBe("missing");
    expect((await bring({ fields: [["x-token", `Bearer ${token}`]] }, { locations })).outcome).toBe(
      "malformed",
    );
    const twice: Field[] = [
      ["x-token", token],
      ["x-token", token],
    ];
    expect((await bring({ fields: twice }, { locations })).outcome).toBe("ambiguous");
  });

  test("a prefix need not end in a space", async () => {
    const locations = [header("x-token", "jwt=")];
    expect((await bring({ fields: [["x-token", `jwt=${token}`]] }, { locations })).outcome).toBe("valid");
    expect((await bring({ fields: [["x-token", `JWT=${token}`]] }, { locations })).outcome).toBe("valid");
    expect((await bring({ fields: [["x-token", token]] }, { locations })).outcome).toBe("missing");
  });
});

describe("from the query", () => {
  test.each([
    ["alone", `?access_token=${token}`, "valid", ""],
    ["among others", `?a=1&access_token=${token}&b=%20+&&c`, "valid", "a=1&b=%20+&&c"],
    ["name with escapes", `?access%5Ftoken=${token}&a=%zz`, "valid", "a=%zz"],
    ["value with escapes", `?access_token=${token.replaceAll(".", "%2e")}`, "valid", ""],
    ["empty", "?access_token=", "malformed", undefined],
    ["no value", "?access_token", "malformed", undefined],
    ["twice", `?access_token=${token}&access_token=${token}`, "ambiguous", undefined],
    ["twice, written otherwise", `?access_token=${token}&%61ccess_token=${other}`, "ambiguous", undefined],
    ["a name that is longer", `?xaccess_token=${token}`, "missing", undefined],
    ["another case", `?Access_Token=${token}`, "missing", undefined],
    ["no query", "", "missing", undefined],
    ["behind a plus", `?access_token=+${token}`, "malformed", undefined],
  ])("%s", async (_name, text, outcome, rest) => {
    for (const version of [1, 2] as const) {
      const asked = await bring({ target: `/a/b${text}`, version }, { locations: [query] });
      expect(asked.outcome).toBe(outcome);
      if (rest !== undefined) expect(asked.exchange.forwarded.query).toBe(rest);
    }
  });
});

describe("from a cookie", () => {
  test.each<[string, readonly string[], string, string | undefined]>([
    ["alone", [`session=${token}`], "valid", undefined],
    ["among others", [`a=1; session=${token}; b=2,3; c="x y"`], "valid", 'a=1; b=2,3; c="x y"'],
    ["in quotes", [`session="${token}"; a=1`], "valid", "a=1"],
    ["in a second field", ["a=1,2", `session=${token}; b=3`], "valid", "a=1,2; b=3"],
    ["without spaces", [`a=1;session=${token};b=2`], "valid", "a=1; b=2"],
    ["spaces around", [`a=1;  session = ${token} `], "valid", "a=1"],
    ["twice", [`session=${token}; session=${other}`], "ambiguous", undefined],
    ["twice in two fields", [`session=${token}`, `session=${token}`], "ambiguous", undefined],
    ["empty", ["session="], "malformed", undefined],
    ["longer name", [`xsession=${token}; sessions=${token}`], "missing", undefined],
    ["another case", [`Session=${token}`], "missing", undefined],
    ["no equals sign", ["session"], "missing", undefined],
  ])("%s", async (_name, values, outcome, rest) => {
    for (const version of [1, 2] as const) {
      const fields = values.map((value): Field => ["cookie", value]);
      const asked = await bring({ fields, version }, { locations: [cookie] });
      expect(asked.outcome).toBe(outcome);
      if (outcome === "valid") expect(asked.exchange.field("cookie")).toBe(rest);
      if (outcome === "valid") expect(JSON.stringify(asked.exchange.forwarded)).not.toContain(token);
    }
  });
});

describe("what goes on", () => {
  const fields: Field[] = [
    ["a", "1"],
    ["authorization", `Bearer ${token}`],
    ["cookie", `session=${token}; b=2`],
    ["z", "2"],
  ];
  const sketch = { target: `/p?x=1&access_token=${token}`, fields };
  const locations = [fromAuthorization, query, cookie];

  test("the token is taken out of every place where it stands", async () => {
    const { exchange, outcome } = await bring(sketch, { locations });
    expect(outcome).toBe("valid");
    expect(exchange.forwarded).toEqual({
      query: "x=1",
      fields: [
        ["a", "1"],
        ["z", "2"],
        ["cookie", "b=2"],
      ],
    });
  });

  test("it stays where the provider forwards it", async () => {
    const { exchange } = await bring(sketch, { locations, forwardsToken: true });
    expect(exchange.forwarded).toEqual({ query: `x=1&access_token=${token}`, fields });
  });

  test("what is in no place that is looked at stays", async () => {
    const { exchange } = await bring(sketch, { locations: [cookie] });
    expect(exchange.forwarded.query).toBe(`x=1&access_token=${token}`);
    expect(exchange.field("authorization")).toBe(`Bearer ${token}`);
  });
});

describe("several tokens", () => {
  const second = signingKey("RS256", "s1");
  const issuer = "https://second.example";
  const secondToken = tokenOf(second, goodClaims({ iss: issuer, sub: "proxy" }));
  const secondProvider = (more: Partial<JwtProvider> = {}): JwtProvider =>
    provider(jwksOf(second), { name: "second", issuer, locations: [header("x-proxy-token")], ...more });
  const ask2 = async (
    fields: readonly Field[],
    more: Partial<JwtProvider> = {},
    first: Partial<JwtProvider> = {},
  ) => {
    const metrics = { asked() {}, token() {} };
    const model = authentication([provider(jwks, first), secondProvider(more)]);
    const filter = jwtFilter(model, { metrics });
    const cold = new FakeExchange({ fields });
    const step = await ask(filter, cold);
    const warm = new FakeExchange({ fields });
    expect(await ask(filter, warm)).toEqual(step);
    expect(warm.forwarded).toEqual(cold.forwarded);
    return { exchange: cold, step };
  };

  test("of two providers are all checked; the first provider's claims are the request's", async () => {
    const { exchange, step } = await ask2(
      [
        ["x-proxy-token", secondToken],
        ["authorization", `Bearer ${token}`],
      ],
      { claimHeaders: [{ $typeName: "weft.model.v1.ClaimHeader", header: "x-via", claim: ["sub"] }] },
    );
    expect(step).toBe("continue");
    expect(exchange.claims?.["sub"]).toBe("alice");
    expect(exchange.forwarded.fields).toEqual([["x-via", "proxy"]]);
  });

  test("one that is invalid refuses the request, wherever it stands", async () => {
    const forged = `${secondToken.slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`;
    for (const [one, two] of [
      [token, forged],
      [`${token.slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`, secondToken],
    ]) {
      const { step } = await ask2([
        ["authorization", `Bearer ${one}`],
        ["x-proxy-token", `${two}`],
      ]);
      expect(step).toMatchObject({ reason: "jwt_invalid" });
    }
  });

  test("of one provider they are refused: nobody could say whose claims count", async () => {
    const { outcome } = await bring(
      { target: `/?access_token=${other}`, fields: [["authorization", `Bearer ${token}`]] },
      { locations: [fromAuthorization, query] },
    );
    expect(outcome).toBe("ambiguous");
  });

  test("a token where its provider does not take it is refused, known or not", async () => {
    const { step } = await ask2([["authorization", `Bearer ${secondToken}`]]);
    expect(step).toMatchObject({
      reason: "jwt_invalid",
      detail: "the token is not valid for provider second: it is not taken from header authorization",
    });
    const both = await ask2([
      ["authorization", `Bearer ${secondToken}`],
      ["x-proxy-token", secondToken],
    ]);
    expect(both.step).toMatchObject({ reason: "jwt_invalid" });
  });

  test("in a place that both take from the issuer decides", async () => {
    const shared = { locations: [fromAuthorization] };
    const { exchange, step } = await ask2([["authorization", `Bearer ${secondToken}`]], shared);
    expect(step).toBe("continue");
    expect(exchange.claims?.["sub"]).toBe("proxy");
    // The other provider's key does not sign for this one.
    const crossed = tokenOf(key, goodClaims({ iss: issuer }));
    expect((await ask2([["authorization", `Bearer ${crossed}`]], shared)).step).toMatchObject({
      reason: "jwt_invalid",
    });
  });

  test("more than four are refused before any is verified", async () => {
    const locations = [1, 2, 3, 4, 5].map((i) => header(`x-token-${i}`));
    const fields = [1, 2, 3, 4, 5].map(
      (i): Field => [`x-token-${i}`, tokenOf(key, goodClaims({ sub: `${i}` }))],
    );
    expect((await bring({ fields }, { locations })).outcome).toBe("ambiguous");
  });
});
