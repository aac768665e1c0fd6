/** Which keys of a set verify, and that a secret never gets further. */
import { describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { checkJwks, maxJwkSetBytes, readJwkSet } from "./jwk-set.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const weakRsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");

function jwk(key: KeyObject, more: object = {}): Record<string, unknown> {
  return { ...key.export({ format: "jwk" }), ...more };
}

function setOf(...keys: unknown[]): string {
  return JSON.stringify({ keys });
}

function read(...keys: unknown[]) {
  const reading = readJwkSet(setOf(...keys));
  if ("problem" in reading) throw new Error(reading.problem);
  return reading.keys;
}

test("reads each type of key with the algorithms that fit it", () => {
  const keys = read(
    jwk(rsa.publicKey, { kid: "a" }),
    jwk(rsa.publicKey, { alg: "PS384", use: "sig" }),
    jwk(p256.publicKey, { key_ops: ["verify"] }),
    jwk(p521.publicKey),
    jwk(ed25519.publicKey),
  );
  expect(keys.map(({ kid }) => kid)).toEqual(["a", undefined, undefined, undefined, undefined]);
  expect(keys.map(({ algorithms }) => algorithms)).toEqual([
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    ["PS384"],
    ["ES256"],
    ["ES512"],
    ["EdDSA", "Ed25519"],
  ]);
});

test("a key that was read is the key that was written, and nothing else", () => {
  const [read256] = read(jwk(p256.publicKey, { x5u: "http://127.0.0.1/", x5c: ["AAAA"] }));
  expect(Object.keys(read256?.key ?? {})).toEqual(["kty", "crv", "x", "y"]);
  const again = createPublicKey({ key: { ...read256?.key }, format: "jwk" });
  expect(again.equals(p256.publicKey)).toBe(true);
});

describe("a secret makes the whole set unusable, and the text about it does not tell it", () => {
  const secrets = {
    "RSA private": jwk(rsa.privateKey),
    "EC private": jwk(p256.privateKey),
    "Ed25519 private": jwk(ed25519.privateKey),
    symmetric: { kty: "oct", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0" },
    "symmetric without its key": { kty: "oct" },
    "for encryption": jwk(rsa.privateKey, { use: "enc" }),
  };
  test.each(Object.entries(secrets))("%s", (_name, secret) => {
    const problem = checkJwks(setOf(jwk(p256.publicKey), secret)) ?? "";
    expect(problem).toStartWith("keys[1] is a secret");
    for (const value of Object.values(secret).map(String)) {
      if (value.length > 20) expect(problem).not.toContain(value);
    }
  });
});

describe("what cannot verify is left out", () => {
  const useless = {
    "for encryption": jwk(rsa.publicKey, { use: "enc" }),
    "only signs": jwk(rsa.publicKey, { key_ops: ["sign"] }),
    "alg of another type": jwk(rsa.publicKey, { alg: "ES256" }),
    "alg of encryption": jwk(rsa.publicKey, { alg: "RSA-OAEP" }),
    "alg none": jwk(rsa.publicKey, { alg: "none" }),
    "alg HS256": jwk(rsa.publicKey, { alg: "HS256" }),
    "weak RSA": jwk(weakRsa.publicKey),
    "exponent 1": jwk(rsa.publicKey, { e: "AQ" }),
    "even exponent": jwk(rsa.publicKey, { e: "Ag" }),
    "huge modulus": jwk(rsa.publicKey, { n: "A".repeat(2) + "B".repeat(1400) }),
    "padded modulus": jwk(rsa.publicKey, { n: `${"A".repeat(200)}${String(jwk(weakRsa.publicKey)["n"])}` }),
    "unknown curve": { ...jwk(p256.publicKey), crv: "secp256k1" },
    "curve by a prototype's name": jwk(p256.publicKey, { crv: "constructor" }),
    "short coordinate": jwk(p256.publicKey, { x: "AAAA" }),
    "padded base64": jwk(p256.publicKey, { x: `${String(jwk(p256.publicKey)["x"])}=` }),
    "key of another curve": { ...jwk(p256.publicKey), crv: "P-521" },
    X25519: { kty: "OKP", crv: "X25519", x: "A".repeat(43) },
    "unknown type": { kty: "AKP", pub: "AAAA" },
    "kid that is no string": jwk(p256.publicKey, { kid: 7 }),
    "long kid": jwk(p256.publicKey, { kid: "k".repeat(1025) }),
    "no object": 7,
    null: null,
  };
  test.each(Object.entries(useless))("%s", (_name, key) => {
    expect(checkJwks(setOf(key))).toStartWith("no key in it can verify a token: keys[0] ");
    expect(read(key, jwk(p256.publicKey, { kid: "good" })).map(({ kid }) => kid)).toEqual(["good"]);
  });
});

test.each([
  ["", "no JWK Set"],
  ["{", "no JWK Set"],
  ["[]", "no JWK Set"],
  ["null", "no JWK Set"],
  ['{"keys":{}}', "no JWK Set"],
  ['{"keys":[]}', "no key in it can verify a token"],
  [setOf(...Array.from({ length: 101 }, () => jwk(p256.publicKey))), "more than 100 keys"],
  [" ".repeat(maxJwkSetBytes + 1), "longer than"],
])("%#: is refused as a whole", (text, problem) => {
  expect(checkJwks(text)).toStartWith(problem);
});

test("a good set has no problem", () => {
  expect(checkJwks(setOf(jwk(rsa.publicKey)))).toBeUndefined();
});
