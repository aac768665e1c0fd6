/** Verification under load: caches, their bounds and ends, clients that leave, keys that change. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../../kernel/index.ts";
import type { FilterRefusal, RequestFilter } from "../filter.ts";
import { decodeToken } from "./decode-token.ts";
import { JoseLoader } from "./jose-loader.ts";
import { jwtFilter } from "./jwt-filter.ts";
import { JwtVerifiers } from "./jwt-verifiers.ts";
import { ask, FakeExchange, startMs } from "./testing/fake-exchange.ts";
import {
  authentication,
  goodClaims,
  jwksOf,
  provider,
  type SigningKey,
  signingKey,
  tokenOf,
} from "./testing/issuer.ts";
import { forgedForMs, maxForged, maxVerified, TokenCache } from "./token-cache.ts";
import { maxVerifications, TokenVerifier, type Verdict, VerificationSlots } from "./token-verifier.ts";

const key = signingKey();
const jwks = jwksOf(key);
const metrics = { asked() {}, token() {} };

function bearing(token: string, nowMs = startMs): FakeExchange {
  return new FakeExchange({ fields: [["authorization", `Bearer ${token}`]], nowMs });
}

/** Verifies as the library does, when told to. */
class HeldJose extends JoseLoader {
  verified = 0;
  #gate = Promise.withResolvers<void>();

  override async load() {
    const jose = await super.load();
    return {
      ...jose,
      verify: async (...given: Parameters<typeof jose.verify>) => {
        this.verified++;
        await this.#gate.promise;
        return await jose.verify(...given);
      },
    };
  }

  release(): void {
    this.#gate.resolve();
  }
}

function heldVerifier(more: Parameters<typeof provider>[1] = {}) {
  const jose = new HeldJose();
  const verifier = new TokenVerifier(provider(jwks, more), new VerificationSlots(jose));
  const verify = (token: string, onVerdict: (verdict: Verdict) => void, nowMs = startMs) => {
    const decoded = decodeToken(token);
    if ("outcome" in decoded) throw new Error(decoded.detail);
    return verifier.verify(token, decoded, nowMs, onVerdict);
  };
  const settled = (token: string, nowMs = startMs): Promise<Verdict> =>
    new Promise((resolve) => {
      const atOnce = verify(token, resolve, nowMs);
      if (atOnce !== undefined) resolve(atOnce);
    });
  return { jose, verifier, verify, settled };
}

describe("a token that was verified", () => {
  test("is known at once from then on, and until it ends", async () => {
    const clock = new VirtualClock(startMs);
    const filter = jwtFilter(authentication([provider(jwks, { clockSkewSeconds: 10 })]), { metrics });
    const token = tokenOf(key, goodClaims({ nbf: startMs / 1000, exp: startMs / 1000 + 60 }));
    expect(await ask(filter, bearing(token, clock.nowMs()))).toBe("continue");
    const neverLater = {
      resume: () => {
        throw new Error("it was known");
      },
    };
    clock.advance(69_999);
    const warm = bearing(token, clock.nowMs());
    expect(filter.start(warm, neverLater)).toBe("continue");
    expect(warm.claims?.["sub"]).toBe("alice");
    clock.advance(1);
    const late = filter.start(bearing(token, clock.nowMs()), neverLater);
    expect(late).toMatchObject({ reason: "jwt_invalid", detail: expect.stringContaining("expired") });
    // Clocks go back too.
    const early = filter.start(bearing(token, startMs - 10_001), neverLater);
    expect(early).toMatchObject({ reason: "jwt_invalid", detail: expect.stringContaining("nbf") });
  });

  test("is verified once for all requests that bring it meanwhile", async () => {
    const { jose, verifier, settled } = heldVerifier();
    const token = tokenOf(key);
    const all = Array.from({ length: 50 }, () => settled(token));
    jose.release();
    const verdicts = await Promise.all(all);
    expect(verdicts.every((verdict) => "claims" in verdict)).toBe(true);
    expect(jose.verified).toBe(1);
    expect(verifier.known(token, 0, startMs)).toBeDefined();
  });

  test("is known to another place with the same provider, and to the next configuration", async () => {
    const verifiers = new JwtVerifiers();
    const token = tokenOf(key);
    const first = jwtFilter(authentication([provider(jwks)]), { metrics }, verifiers);
    expect(await ask(first, bearing(token))).toBe("continue");
    const second = jwtFilter(authentication([provider(jwks)], false), { metrics }, verifiers);
    expect(second.start(bearing(token), { resume() {} })).toBe("continue");
    const otherKeys = jwtFilter(authentication([provider(jwksOf(signingKey()))]), { metrics }, verifiers);
    expect(otherKeys.start(bearing(token), { resume() {} })).toBe("suspended");
    expect(await ask(otherKeys, bearing(token))).toMatchObject({ reason: "jwt_invalid" });
    const otherAudience = jwtFilter(
      authentication([provider(jwks, { audiences: ["x"] })]),
      { metrics },
      verifiers,
    );
    expect(otherAudience.start(bearing(token), { resume() {} })).toMatchObject({ reason: "jwt_invalid" });
  });
});

describe("a forged token", () => {
  test("is refused without another verification for a while", async () => {
    const { jose, settled } = heldVerifier();
    jose.release();
    const forged = tokenOf(signingKey());
    for (const afterMs of [0, 1, forgedForMs - 1]) {
      expect(await settled(forged, startMs + afterMs)).toMatchObject({ outcome: "bad_signature" });
      expect(jose.verified).toBe(1);
    }
    expect(await settled(forged, startMs + forgedForMs)).toMatchObject({ outcome: "bad_signature" });
    expect(jose.verified).toBe(2);
  });
});

describe("too many at a time", () => {
  test("the next one is refused, and taken when there is room", async () => {
    const { jose, verify, settled } = heldVerifier();
    const tokens = Array.from({ length: maxVerifications }, (_, i) =>
      tokenOf(key, goodClaims({ sub: `user-${i}` })),
    );
    const all = tokens.map((token) => settled(token));
    const next = tokenOf(key);
    expect(verify(next, () => {})).toMatchObject({ outcome: "overloaded" });
    // Who brings one that is under way waits with the others.
    all.push(settled(tokens[0] ?? ""));
    jose.release();
    expect((await Promise.all(all)).every((verdict) => "claims" in verdict)).toBe(true);
    expect(await settled(next)).toHaveProperty("claims");
  });

  test("the reason says that it was not the token", async () => {
    const filter = jwtFilter(authentication([provider(jwks)]), { metrics });
    const waiting: Promise<"continue" | FilterRefusal>[] = [];
    for (let i = 0; i < maxVerifications; i++) {
      waiting.push(ask(filter, bearing(tokenOf(key, goodClaims({ sub: `user-${i}` })))));
    }
    const exchange = bearing(tokenOf(key));
    expect(filter.start(exchange, { resume() {} })).toMatchObject({ reason: "overloaded" });
    expect(exchange.answerLines).toEqual([]);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["continue"]));
  });
});

test("a client that leaves is not resumed; the others that wait are", async () => {
  const filter = jwtFilter(authentication([provider(jwks)]), { metrics });
  const token = tokenOf(key);
  const gone = bearing(token);
  let resumed = 0;
  expect(filter.start(gone, { resume: () => void resumed++ })).toBe("suspended");
  const stays = ask(filter, bearing(token));
  filter.cancel(gone);
  filter.cancel(gone);
  expect(await stays).toBe("continue");
  expect(resumed).toBe(0);
  expect(gone.claims).toBeUndefined();
  expect(gone.forwarded.fields).toHaveLength(1);
  // Also between two tokens of one request.
  const second = signingKey();
  const issuer = "https://second.example";
  const two = jwtFilter(
    authentication([
      provider(jwks),
      provider(jwksOf(second), {
        name: "second",
        issuer,
        locations: [
          { $typeName: "weft.model.v1.JwtLocation", place: { case: "header", value: "x-t" }, prefix: "" },
        ],
      }),
    ]),
    { metrics },
  );
  const both = new FakeExchange({
    fields: [
      ["authorization", `Bearer ${token}`],
      ["x-t", tokenOf(second, goodClaims({ iss: issuer }))],
    ],
  });
  expect(two.start(both, { resume: () => void resumed++ })).toBe("suspended");
  // The first one's verdict is in when another request with it goes on.
  expect(await ask(two, bearing(token))).toBe("continue");
  two.cancel(both);
  expect(
    await ask(two, new FakeExchange({ fields: [["x-t", tokenOf(second, goodClaims({ iss: issuer }))]] })),
  ).toBe("continue");
  expect(resumed).toBe(0);
});

test("keys are rotated under load without a wrong verdict", async () => {
  const old = signingKey("ES256", "old");
  const fresh = signingKey("ES256", "fresh");
  const verifiers = new JwtVerifiers();
  const filterOf = (...keys: readonly SigningKey[]) =>
    jwtFilter(authentication([provider(jwksOf(...keys))]), { metrics }, verifiers);
  const phases = [
    { filter: filterOf(old), signers: { old: true, fresh: false } },
    { filter: filterOf(old, fresh), signers: { old: true, fresh: true } },
    { filter: filterOf(fresh), signers: { old: false, fresh: true } },
  ];
  const tokens = (["old", "fresh"] as const).flatMap((signer) =>
    Array.from({ length: 20 }, (_, i) => ({
      signer,
      token: tokenOf(signer === "old" ? old : fresh, goodClaims({ sub: `user-${i}` })),
    })),
  );
  let asked = 0;
  const expectTaken = async (filter: RequestFilter, token: string, isTaken: boolean): Promise<void> => {
    const step = await ask(filter, bearing(token));
    asked++;
    expect(step === "continue").toBe(isTaken);
  };
  for (const { filter, signers } of phases) {
    const verdicts: Promise<void>[] = [];
    for (let round = 0; round < 10; round++) {
      for (const { signer, token } of tokens) {
        verdicts.push(expectTaken(filter, token, signers[signer]));
      }
      // Some are under way when the configuration changes.
      if (round % 3 === 0) await verdicts.at(-1);
    }
    await Promise.all(verdicts);
  }
  expect(asked).toBe(3 * 10 * 40);
});

describe("the cache", () => {
  const verified = { validity: { fromMs: 0, untilMs: Infinity }, claims: {}, fields: [] };

  test("keeps what is asked for, lets go of the rest, and never grows beyond its bound", () => {
    const cache = new TokenCache();
    cache.add("kept", verified);
    for (let i = 0; i < 3 * maxVerified; i++) {
      cache.add(`token-${i}`, verified);
      if (i % 1_000 === 0) expect(cache.get("kept")).toBeDefined();
    }
    expect(cache.size).toBeLessThanOrEqual(maxVerified);
    expect(cache.get("kept")).toBeDefined();
    expect(cache.get("token-0")).toBeUndefined();
    expect(cache.get(`token-${3 * maxVerified - 1}`)).toBeDefined();
  });

  test("knows a token by all of its text, not by its signature", () => {
    const cache = new TokenCache();
    const signature = "s".repeat(43);
    cache.add(`head.claims.${signature}`, verified);
    expect(cache.get(`head.others.${signature}`)).toBeUndefined();
    cache.delete(`head.others.${signature}`);
    expect(cache.get(`head.claims.${signature}`)).toBeDefined();
  });

  test("has a bound for characters too", () => {
    const cache = new TokenCache();
    for (let i = 0; i < 2_000; i++) cache.add(`${i}`.padStart(8_000, "x"), verified);
    expect(cache.size).toBeLessThanOrEqual(525);
    expect(cache.size).toBeGreaterThan(500);
    cache.add("small", verified);
    expect(cache.get("small")).toBeDefined();
  });

  test("remembers the newest forged ones only", () => {
    const cache = new TokenCache();
    for (let i = 0; i <= maxForged; i++) cache.addForged(`token-${i}`, startMs);
    expect(cache.isForged("token-0", startMs)).toBe(false);
    expect(cache.isForged("token-1", startMs)).toBe(true);
    expect(cache.isForged(`token-${maxForged}`, startMs)).toBe(true);
    expect(cache.isForged(`token-${maxForged}`, startMs + forgedForMs)).toBe(false);
  });
});
