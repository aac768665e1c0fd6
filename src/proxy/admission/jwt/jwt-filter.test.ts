/** Tokens as attackers and careless programs write them, and the verdict on each. */
import { describe, expect, test } from "bun:test";
import { ask, FakeExchange, type Field, startMs } from "./testing/fake-exchange.ts";
import {
  authentication,
  encode,
  goodClaims,
  hmacToken,
  issuerName,
  jwksOf,
  provider,
  rawToken,
  signingKey,
  tokenOf,
} from "./testing/issuer.ts";
import { jwtFilter } from "./jwt-filter.ts";

const key = signingKey();
const rsa = signingKey("RS256", "r1");
const jwks = jwksOf(key, rsa);

function scene(more: Parameters<typeof provider>[1] = {}, required = true) {
  const outcomes: string[] = [];
  const metrics = { asked() {}, token: (outcome: string) => void outcomes.push(outcome) };
  const filter = jwtFilter(authentication([provider(jwks, more)], required), { metrics });
  const bring = async (token: string | undefined, nowMs = startMs) => {
    const fields: Field[] = token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
    const exchange = new FakeExchange({ fields, nowMs });
    return { exchange, step: await ask(filter, exchange) };
  };
  return { outcomes, filter, bring };
}

/** What is wrong with a token, as the metric and the log have it. */
async function verdict(token: string, more: Parameters<typeof provider>[1] = {}, nowMs = startMs) {
  const { bring, outcomes } = scene(more);
  const first = await bring(token, nowMs);
  // Asked twice: neither cache makes another verdict.
  const second = await bring(token, nowMs);
  expect(second.step).toEqual(first.step);
  expect(outcomes[1]).toBe(outcomes[0]);
  if (first.step === "continue") return "valid";
  expect(first.exchange.claims).toBeUndefined();
  expect(first.step.reason).toBe("jwt_invalid");
  expect(first.exchange.answerLines.map(({ value }) => value)).toEqual(['Bearer error="invalid_token"']);
  expect(first.step.detail).not.toContain(token.slice(-20));
  return outcomes[0];
}

describe("every algorithm", () => {
  const algorithms = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
  ];
  test.each(algorithms)("%s is taken when it fits, and a changed signature is not", async (algorithm) => {
    const own = signingKey(algorithm);
    const token = tokenOf(own);
    expect(await verdict(token, { jwks: jwksOf(own) })).toBe("valid");
    const changed = `${token.slice(0, -10)}${token.at(-10) === "A" ? "B" : "A"}${token.slice(-9)}`;
    expect(await verdict(changed, { jwks: jwksOf(own) })).toBe("bad_signature");
    expect(await verdict(token, { jwks: jwksOf(signingKey(algorithm)) })).toBe("bad_signature");
  });

  test("only the pinned ones are taken", async () => {
    expect(await verdict(tokenOf(rsa), { algorithms: ["ES256"] })).toBe("wrong_algorithm");
    expect(await verdict(tokenOf(rsa), { algorithms: ["ES256", "RS256"] })).toBe("valid");
    expect(await verdict(tokenOf(rsa), { algorithms: ["none", "HS256"] })).toBe("wrong_algorithm");
  });
});

const pem = rsa.pair.publicKey.export({ format: "pem", type: "spki" });
const der = rsa.pair.publicKey.export({ format: "der", type: "spki" });
const parts = tokenOf(key).split(".");
const [header = "", payload = "", signature = ""] = parts;
const p384 = signingKey("ES384", "k1");
const noneToken = (alg: string): string =>
  `${encode(JSON.stringify({ alg, kid: "k1" }))}.${encode(JSON.stringify(goodClaims()))}.`;
const withPayload = (text: string): string => rawToken(key, '{"alg":"ES256","kid":"k1"}', text);
const claimsText = JSON.stringify(goodClaims());
const open = claimsText.slice(0, -1);

describe("attacks on algorithm and key", () => {
  test.each([
    ["none", noneToken("none"), "malformed"],
    ["nOnE", noneToken("nOnE"), "malformed"],
    ["none with a signature", `${noneToken("none")}${signature}`, "wrong_algorithm"],
    ["no alg", tokenOf(key, goodClaims(), { alg: undefined }), "malformed"],
    ["alg that is no string", tokenOf(key, goodClaims(), { alg: ["ES256"] }), "malformed"],
    ["alg by a prototype's name", tokenOf(key, goodClaims(), { alg: "constructor" }), "wrong_algorithm"],
    ["HS256 with the public key's PEM", hmacToken(pem, { alg: "HS256", kid: "r1" }), "wrong_algorithm"],
    ["HS256 with the public key's DER", hmacToken(der, { alg: "HS256", kid: "r1" }), "wrong_algorithm"],
    ["HS256 called RS256", hmacToken(pem, { alg: "RS256", kid: "r1" }), "bad_signature"],
    ["HS256 with the key set", hmacToken(jwks, { alg: "HS256" }), "wrong_algorithm"],
    ["ES256 by a key of another curve", tokenOf(p384, goodClaims(), { alg: "ES256" }), "bad_signature"],
    ["ES384 for a P-256 key", tokenOf(p384), "wrong_algorithm"],
    ["RS256 for an EC key", tokenOf(rsa, goodClaims(), { kid: "k1" }), "wrong_algorithm"],
    [
      "PS256 signature called RS256",
      tokenOf({ ...rsa, algorithm: "PS256" }, goodClaims(), { alg: "RS256" }),
      "bad_signature",
    ],
    ["ES256 of zeros", `${header}.${payload}.${encode(new Uint8Array(64))}`, "bad_signature"],
    [
      "ES256 in DER",
      `${header}.${payload}.${encode(Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1))}`,
      "bad_signature",
    ],
    ["unknown kid", tokenOf(key, goodClaims(), { kid: "k2" }), "unknown_key"],
    ["kid as a path", tokenOf(key, goodClaims(), { kid: "../../../../dev/null" }), "unknown_key"],
    ["kid as SQL", tokenOf(key, goodClaims(), { kid: "k1' UNION SELECT 'AA" }), "unknown_key"],
    ["kid as a URL", tokenOf(key, goodClaims(), { kid: "http://127.0.0.1:1/k1" }), "unknown_key"],
    ["kid with control characters", tokenOf(key, goodClaims(), { kid: "k1\r\nx: y\u0000" }), "unknown_key"],
    ["kid by a prototype's name", tokenOf(key, goodClaims(), { kid: "__proto__" }), "unknown_key"],
    ["empty kid", tokenOf(key, goodClaims(), { kid: "" }), "unknown_key"],
    ["long kid", tokenOf(key, goodClaims(), { kid: "k".repeat(1025) }), "malformed"],
    ["nested kid", tokenOf(key, goodClaims(), { kid: { k1: "k1" } }), "malformed"],
    ["kid as a list", tokenOf(key, goodClaims(), { kid: ["k1"] }), "malformed"],
    ["kid null", tokenOf(key, goodClaims(), { kid: null }), "malformed"],
    ["crit", tokenOf(key, goodClaims(), { crit: ["exp"] }), "malformed"],
    ["empty crit", tokenOf(key, goodClaims(), { crit: [] }), "malformed"],
    ["unencoded payload", tokenOf(key, goodClaims(), { b64: false }), "malformed"],
    ["another kind of token", tokenOf(key, goodClaims(), { typ: "logout+jwt" }), "malformed"],
    ["alg twice", rawToken(key, '{"alg":"none","alg":"ES256","kid":"k1"}', claimsText), "malformed"],
  ])("%s", async (_name, token, outcome) => {
    expect(await verdict(token)).toBe(outcome);
  });

  test("keys that a token brings or points to are not taken", async () => {
    const attacker = signingKey("ES256", "evil");
    const jwk = { ...attacker.pair.publicKey.export({ format: "jwk" }), kid: "evil" };
    const fetched: string[] = [];
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        fetched.push(request.url);
        return new Response(jwksOf(attacker));
      },
    });
    const url = String(server.url);
    for (const kid of ["evil", "k1", undefined]) {
      const token = tokenOf(attacker, goodClaims(), { kid, jwk, jku: url, x5u: url, x5c: ["AAAA"] });
      expect(await verdict(token)).toBe(kid === "evil" ? "unknown_key" : "bad_signature");
    }
    expect(fetched).toEqual([]);
    // They do not harm a good token either.
    expect(await verdict(tokenOf(key, goodClaims(), { jwk, jku: url }))).toBe("valid");
  });

  test("a token without kid is tried with the keys that fit", async () => {
    expect(await verdict(tokenOf(key, goodClaims(), { kid: undefined }))).toBe("valid");
    expect(await verdict(tokenOf(signingKey("ES256"), goodClaims(), { kid: undefined }))).toBe(
      "bad_signature",
    );
    expect(await verdict(tokenOf(p384, goodClaims(), { kid: undefined }))).toBe("wrong_algorithm");
  });

  test("a kid is not looked for among keys that have none", async () => {
    const nameless = signingKey("ES256");
    const set = jwksOf({ ...nameless, kid: undefined });
    expect(await verdict(tokenOf(nameless, goodClaims(), { kid: "k1" }), { jwks: set })).toBe("unknown_key");
    expect(await verdict(tokenOf(nameless, goodClaims(), { kid: undefined }), { jwks: set })).toBe("valid");
  });

  test.each(["", "{", '{"keys":[]}', jwksOf()])("%#: without usable keys nothing is valid", async (set) => {
    expect(await verdict(tokenOf(key), { jwks: set })).toBe("no_keys");
  });
});

describe("attacks on form and JSON", () => {
  const deep = `${'{"a":'.repeat(40)}1${"}".repeat(40)}`;
  test.each([
    ["two parts", `${header}.${payload}`, "malformed"],
    ["empty signature", `${header}.${payload}.`, "malformed"],
    ["trailing dot", `${tokenOf(key)}.`, "malformed"],
    ["leading dot", `.${tokenOf(key)}`, "malformed"],
    ["encrypted", `${header}.AAAA.AAAA.${payload}.AAAA`, "malformed"],
    ["many dots", ".".repeat(5000), "malformed"],
    ["no dots", "opaque", "malformed"],
    ["huge", "A".repeat(8_193), "too_long"],
    ["huge and well formed", tokenOf(key, goodClaims({ pad: "x".repeat(8_000) })), "too_long"],
    ["padded", `${header}.${payload}.${signature}==`, "malformed"],
    ["plain base64", `${header}.${payload}.${signature.slice(0, -3)}+/A`, "malformed"],
    ["space inside", `${header}. ${payload}.${signature}`, "malformed"],
    ["unicode space behind", `${tokenOf(key)}\u00a0`, "malformed"],
    [
      "unused bits set",
      `${header}.${payload}.${signature.slice(0, -1)}${bumped(signature.at(-1) ?? "")}`,
      "malformed",
    ],
    ["header of a lone letter", `A.${payload}.${signature}`, "malformed"],
    ["no UTF-8", `${header}.${encode(Uint8Array.of(0x7b, 0xff, 0x7d))}.${signature}`, "malformed"],
    ["byte order mark", withPayload(`\ufeff${claimsText}`), "malformed"],
    ["payload is a list", withPayload("[]"), "malformed"],
    ["payload is a string", withPayload('"x"'), "malformed"],
    ["payload is null", withPayload("null"), "malformed"],
    ["payload is cut", withPayload(open), "malformed"],
    ["two payloads", withPayload(claimsText + claimsText), "malformed"],
    ["comment", withPayload(`${open}/**/}`), "malformed"],
    ["single quotes", withPayload("{'iss':'x'}"), "malformed"],
    ["sub twice", withPayload(`${open},"sub":"root"}`), "malformed"],
    ["sub twice, written otherwise", withPayload(`${open},"s\\u0075b":"root"}`), "malformed"],
    ["iss twice", withPayload(`${open},"iss" : "${issuerName}"}`), "malformed"],
    ["a nested member twice", withPayload(`${open},"r":{"a":1,"a":2}}`), "malformed"],
    ["nested too deep", withPayload(`${open},"r":${deep}}`), "malformed"],
    [
      "lists nested too deep",
      withPayload(`${open},"r":${"[".repeat(2000)}${"]".repeat(2000)}}`),
      "malformed",
    ],
    ["too many members", withPayload(`${open},"r":[${"1,".repeat(600)}1]}`), "malformed"],
    ["open string", withPayload('{"a'), "malformed"],
    ["escape at the end", withPayload('{"a\\'), "malformed"],
  ])("%s", async (_name, token, outcome) => {
    expect(await verdict(token)).toBe(outcome);
  });

  test("names in a string's text are no members", async () => {
    expect(await verdict(withPayload(`${open},"t":"\\"sub\\":1,\\"sub\\":2"}`))).toBe("valid");
  });

  test("a member called __proto__ changes nothing", async () => {
    const { bring } = scene();
    const { exchange } = await bring(withPayload(`${open},"__proto__":{"admin":true}}`));
    expect(exchange.claims?.["sub"]).toBe("alice");
    expect(exchange.claims?.["admin"]).toBeUndefined();
  });
});

describe("claims", () => {
  const at = startMs / 1000;
  test.each<[string, object, Parameters<typeof provider>[1], string]>([
    ["another issuer", { iss: "https://evil.example" }, {}, "unknown_issuer"],
    ["issuer with a slash more", { iss: `${issuerName}/` }, {}, "unknown_issuer"],
    ["issuer in a list", { iss: [issuerName] }, {}, "unknown_issuer"],
    ["no issuer", { iss: undefined }, {}, "unknown_issuer"],
    ["another audience", { aud: "other" }, {}, "wrong_audience"],
    ["audience in a list", { aud: ["other", "shop"] }, {}, "valid"],
    ["audience not in the list", { aud: ["other", "shop2"] }, {}, "wrong_audience"],
    ["empty list", { aud: [] }, {}, "wrong_audience"],
    ["no audience", { aud: undefined }, {}, "wrong_audience"],
    ["audience in another case", { aud: "Shop" }, {}, "wrong_audience"],
    ["audience nested", { aud: [["shop"]] }, {}, "malformed"],
    ["audience is a number", { aud: 7 }, { audiences: ["7"] }, "malformed"],
    ["any audience", { aud: undefined }, { audiences: [] }, "valid"],
    ["second of the audiences", { aud: "b" }, { audiences: ["a", "b"] }, "valid"],
    ["expired", { exp: at - 1 }, {}, "expired"],
    ["expires now", { exp: at }, {}, "expired"],
    ["expires in a second", { exp: at + 1 }, {}, "valid"],
    ["expired within the skew", { exp: at - 29 }, { clockSkewSeconds: 30 }, "valid"],
    ["expired by the skew", { exp: at - 30 }, { clockSkewSeconds: 30 }, "expired"],
    ["no end", { exp: undefined }, {}, "malformed"],
    ["end as text", { exp: String(at + 10) }, {}, "malformed"],
    ["end null", { exp: null }, {}, "malformed"],
    ["not before now", { nbf: at }, {}, "valid"],
    ["not before a second later", { nbf: at + 1 }, {}, "not_yet_valid"],
    ["not before, within the skew", { nbf: at + 30 }, { clockSkewSeconds: 30 }, "valid"],
    ["not before, beyond the skew", { nbf: at + 31 }, { clockSkewSeconds: 30 }, "not_yet_valid"],
    ["not before as text", { nbf: "0" }, {}, "malformed"],
    ["issued in the future", { iat: at + 61 }, { clockSkewSeconds: 60 }, "not_yet_valid"],
    ["issued as text", { iat: "now" }, {}, "malformed"],
    ["fractions of seconds", { exp: at + 0.5, nbf: at - 0.5 }, {}, "valid"],
    ["lives as long as is allowed", { iat: at, exp: at + 300 }, { maxAgeSeconds: 300 }, "valid"],
    ["lives too long", { iat: at, exp: at + 301 }, { maxAgeSeconds: 300 }, "too_long_lived"],
    ["nobody knows how long", { iat: undefined }, { maxAgeSeconds: 300 }, "too_long_lived"],
    ["subject is a number", { sub: 7 }, {}, "malformed"],
  ])("%s", async (_name, claims, more, outcome) => {
    expect(await verdict(tokenOf(key, goodClaims(claims)), more)).toBe(outcome);
  });

  test("an end that is no number that JSON can hold is refused", async () => {
    expect(await verdict(withPayload(claimsText.replace(/"exp":\d+/, '"exp":1e999')))).toBe("malformed");
  });
});

describe("missing", () => {
  test("is refused where a token is required, without saying that one was wrong", async () => {
    const { bring, outcomes } = scene();
    const { exchange, step } = await bring(undefined);
    expect(step).toMatchObject({ reason: "jwt_missing", source: { name: "strict" } });
    expect(exchange.answerLines.map(({ nameLower, value }) => [nameLower, value])).toEqual([
      ["www-authenticate", "Bearer"],
    ]);
    expect(exchange.deeds).toMatchObject([{ verdict: "denied", source: { name: "strict" } }]);
    expect(outcomes).toEqual(["missing"]);
  });

  test("goes on without a principal where none is required; an invalid one does not", async () => {
    const { bring } = scene({}, false);
    const without = await bring(undefined);
    expect(without.step).toBe("continue");
    expect(without.exchange.claims).toBeUndefined();
    const invalid = await bring("x.y.z");
    expect(invalid.step).toMatchObject({ reason: "jwt_invalid" });
  });

  test("raw TCP has no token", async () => {
    for (const required of [true, false]) {
      const { filter } = scene({}, required);
      const step = await ask(filter, new FakeExchange(undefined));
      expect(step).toEqual(required ? expect.objectContaining({ reason: "jwt_missing" }) : "continue");
    }
  });
});

test("a refusal names provider and policy", async () => {
  const { bring } = scene();
  const { exchange, step } = await bring(tokenOf(key, goodClaims({ exp: startMs / 1000 - 5 })));
  expect(step).toMatchObject({
    reason: "jwt_invalid",
    detail: "the token is not valid for provider main: it expired 5 s ago",
    source: { kind: "AuthenticationPolicy", name: "jwt" },
  });
  expect(exchange.deeds).toMatchObject([{ rule: "main", verdict: "denied" }]);
});

test("a valid token's claims are the request's", async () => {
  const { bring, outcomes } = scene();
  const { exchange } = await bring(tokenOf(key, goodClaims({ roles: ["a"] })));
  expect(exchange.claims).toEqual(goodClaims({ roles: ["a"] }));
  expect(outcomes).toEqual(["valid"]);
});

/** The next letter of the alphabet of base64url, which differs in the lowest bit. */
function bumped(letter: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(letter) ^ 1] ?? "";
}
