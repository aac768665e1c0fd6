/** Tokens of a cluster's issuer, made here with keys of our own: taken once, and refused for each thing that is wrong with one. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { VirtualClock } from "../../kernel/index.ts";
import { CertificateLedger } from "../certificate-ledger.ts";
import { ServiceAccountTokens } from "./service-account-token.ts";

const issuer = "https://kubernetes.default.svc";
let directory: string;
let clock: VirtualClock;
let ledger: CertificateLedger;
let keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
let attestor: ServiceAccountTokens;

const attestorAt = (jwks: string): ServiceAccountTokens =>
  new ServiceAccountTokens({ issuer, jwks, clock, spend: (proof, untilMs) => ledger.spend(proof, untilMs) });

async function keySet(...named: readonly (readonly [string, CryptoKey])[]): Promise<string> {
  const all = await Promise.all(
    named.map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid, alg: "ES256" })),
  );
  return JSON.stringify({ keys: all });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-attest-"));
  clock = new VirtualClock();
  ledger = CertificateLedger.open(join(directory, "ledger"), clock);
  keys = await generateKeyPair("ES256", { extractable: true });
  writeFileSync(join(directory, "jwks"), await keySet(["one", keys.publicKey]));
  attestor = attestorAt(join(directory, "jwks"));
});
afterEach(() => {
  ledger.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Wrong {
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly kid?: string;
  readonly key?: CryptoKey;
}

let count = 0;

function token({ payload = {}, kid = "one", key = keys.privateKey }: Wrong = {}): Promise<string> {
  const now = Math.floor(clock.nowMs() / 1_000);
  const claims = {
    ...{
      iss: issuer,
      aud: ["weft"],
      sub: "system:serviceaccount:shop:web",
      iat: now,
      nbf: now,
      exp: now + 600,
    },
    "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web", uid: "1" } },
    jti: String(count++),
    ...payload,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).sign(key);
}

test("names namespace and service account", async () => {
  expect(await attestor.attest(await token())).toEqual({ namespace: "shop", serviceAccount: "web" });
});

test("is taken once, also after a restart", async () => {
  const once = await token();
  expect(await attestor.attest(once)).toHaveProperty("namespace");
  expect(await attestor.attest(once)).toMatchObject({ refusal: "replayed" });
  ledger.close();
  ledger = CertificateLedger.open(join(directory, "ledger"), clock);
  expect(await attestorAt(join(directory, "jwks")).attest(once)).toMatchObject({ refusal: "replayed" });
});

describe("is refused", () => {
  const seconds = (delta: number): number => Math.floor(clock.nowMs() / 1_000) + delta;
  test.each<[string, () => Wrong | Promise<Wrong>, string]>([
    [
      "when it is expired",
      () => ({ payload: { iat: seconds(-700), nbf: seconds(-700), exp: seconds(-60) } }),
      "expired",
    ],
    ["before its time", () => ({ payload: { nbf: seconds(90) } }), "not_yet_valid"],
    [
      "when it comes from the future",
      () => ({ payload: { iat: seconds(300), nbf: seconds(0) } }),
      "not_yet_valid",
    ],
    ["for another audience", () => ({ payload: { aud: ["api"] } }), "untrusted"],
    ["of another issuer", () => ({ payload: { iss: "https://other" } }), "untrusted"],
    ["without an end", () => ({ payload: { exp: undefined } }), "untrusted"],
    [
      "when it is older than a day",
      () => ({ payload: { iat: seconds(-90_000), exp: seconds(60) } }),
      "expired",
    ],
    ["with a key that nobody has", () => ({ kid: "two" }), "untrusted"],
    [
      "with another key of the same name",
      async () => ({ key: (await generateKeyPair("ES256")).privateKey }),
      "untrusted",
    ],
    ["when its claims differ", () => ({ payload: { sub: "system:serviceaccount:shop:admin" } }), "malformed"],
    ["when it is no pod's", () => ({ payload: { "kubernetes.io": undefined } }), "malformed"],
  ])("%s", async (_, wrong, refusal) => {
    expect(await attestor.attest(await token(await wrong()))).toMatchObject({ refusal });
  });

  test("without a signature, and with a shared secret", async () => {
    const [, payload = ""] = (await token()).split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(await attestor.attest(`${none}.${payload}.`)).toMatchObject({ refusal: "untrusted" });
    const secret = new TextEncoder().encode(await keySet(["one", keys.publicKey]));
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const shared = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(secret);
    expect(await attestor.attest(shared)).toMatchObject({ refusal: "untrusted" });
  });

  test("when it is huge or nonsense", async () => {
    expect(await attestor.attest("x".repeat(20_000))).toMatchObject({ refusal: "malformed" });
    expect(await attestor.attest("nonsense")).toMatchObject({ refusal: "untrusted" });
  });
});

describe("the issuer's keys", () => {
  test("are had by URL, kept over an outage, and asked for again for a key that is new", async () => {
    const next = await generateKeyPair("ES256", { extractable: true });
    let answer: string | undefined = await keySet(["one", keys.publicKey]);
    let asked = 0;
    await using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => {
        asked++;
        return answer === undefined ? new Response("", { status: 500 }) : new Response(answer);
      },
    });
    const remote = attestorAt(server.url.href);
    expect(await remote.attest(await token())).toHaveProperty("namespace");
    const renewed = (): Promise<string> => token({ kid: "next", key: next.privateKey });
    expect(await remote.attest(await renewed())).toMatchObject({ refusal: "untrusted" });
    expect(asked).toBe(1);
    answer = undefined;
    clock.advance(400_000);
    expect(await remote.attest(await token())).toHaveProperty("namespace");
    answer = await keySet(["next", next.publicKey]);
    clock.advance(31_000);
    expect(await remote.attest(await renewed())).toHaveProperty("namespace");
    expect(asked).toBe(3);
  });

  test("that were never had are said to be away", async () => {
    expect(await attestorAt(join(directory, "gone")).attest(await token())).toMatchObject({
      refusal: "unavailable",
    });
  });
});
