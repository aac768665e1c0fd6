/** An OpenID provider of somebody else against the API: its tokens as bearers, forged ones, its outage, and a browser's login. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { VirtualClock } from "../../../src/kernel/index.ts";
import { configMap, configMaps, TestApi, token } from "../../../src/apiserver/testing.ts";
import { TestAuthority } from "../../../src/apiserver/testing-certificates.ts";
import { freePort } from "../free-port.ts";

const whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const dayMs = 86_400_000;
let directory: string;
let api: TestApi;
let issuer: string;
let provider: Bun.Subprocess | undefined;
let startProvider: () => Promise<void>;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
const clock = new VirtualClock(Date.now());

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-oidc-"));
  const authority = new TestAuthority(directory);
  const { cert, key } = authority.server();
  keys = await generateKeyPair("RS256", { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(keys.privateKey)), kid: "k1", alg: "RS256", use: "sig" }] };
  const port = freePort();
  issuer = `https://localhost:${port}`;
  api = await TestApi.start({
    clock,
    oidc: {
      issuer,
      clientId: "weft",
      usernameClaim: "preferred_username",
      groupsClaim: "groups",
      usernamePrefix: "oidc:",
      groupsPrefix: "",
      caPem: authority.pem,
      scopes: ["openid", "profile"],
    },
  });
  const settings = { port, redirectUri: `${api.server.url}/auth/oidc/callback`, jwks, cert, key };
  startProvider = async () => {
    const program = join(import.meta.dir, "programs", "openid-provider.mjs");
    const child = Bun.spawn([process.execPath, program, JSON.stringify(settings)], {
      stdout: "pipe",
      stderr: "ignore",
    });
    provider = child;
    for await (const chunk of child.stdout) if (new TextDecoder().decode(chunk).includes("listening")) return;
    throw new Error("the provider did not start");
  };
});
afterAll(async () => {
  provider?.kill();
  await provider?.exited;
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

const stopProvider = async (): Promise<void> => {
  provider?.kill();
  await provider?.exited;
};
const nowSeconds = (): number => Math.floor(clock.nowMs() / 1000);
const claims = (more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: "weft",
  sub: "7",
  preferred_username: "ann",
  groups: ["dev", "system:masters", 7],
  exp: nowSeconds() + 300,
  ...more,
});
const sign = (payload: JWTPayload, header: { alg?: string; kid?: string } = {}): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "k1", ...header }).sign(keys.privateKey);
const ask = (bearer: string) => api.call("POST", whoami, {}, { authorization: `Bearer ${bearer}` });

describe("a provider that is not there", () => {
  test("is told apart from a wrong token, and stops nobody else", async () => {
    expect((await ask(await sign(claims()))).status).toBe(503);
    expect((await ask(token)).status).toBe(201);
    expect((await ask("a.b.c")).status).toBe(401);
  });
});

/** As much of a browser as a login needs. */
class Browser {
  readonly cookies = new Map<string, string>();

  async go(url: string, form?: Record<string, string>): Promise<Response> {
    const host = new URL(url).host;
    const cookie = [...this.cookies]
      .filter(([key]) => key.startsWith(`${host} `))
      .map(([key, value]) => `${key.split(" ")[1]}=${value}`)
      .join("; ");
    const response = await fetch(url, {
      redirect: "manual",
      headers: {
        cookie,
        ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form).toString() }),
      tls: { rejectUnauthorized: false },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(`${host} ${name}`, value);
    }
    const location = response.headers.get("location");
    return location === null ? response : this.go(new URL(location, url).href);
  }

  /** From the start to the provider's answer; stops before `until`. */
  async logIn(name: string): Promise<Response> {
    let page = await this.go(`${api.server.url}/auth/oidc/start`);
    for (const form of [{ prompt: "login", login: name, password: "x" }, { prompt: "consent" }]) {
      const action = /action="([^"]+)"/.exec(await page.text())?.[1] ?? "";
      page = await this.go(new URL(action, page.url).href, form);
    }
    return page;
  }
}

describe("a browser", () => {
  beforeAll(async () => {
    await startProvider();
    clock.advance(11_000);
  });

  test("logs in at the provider, gets a session, and writes with its token alone", async () => {
    const browser = new Browser();
    const landed = await browser.logIn("ann");
    expect(landed.status).toBe(200);
    expect(landed.headers.get("content-security-policy")).toContain("default-src 'none'");
    const cookie = `weft-session=${browser.cookies.get(`${new URL(api.server.url).host} weft-session`)}`;
    const session = await fetch(`${api.server.url}/auth/session`, { headers: { cookie } });
    // oxlint-disable-next-line no-explicit-any -- what the wire says is what this test is about
    const body: any = await session.json();
    expect([session.status, body.user, body.groups]).toEqual([
      200,
      "oidc:ann",
      ["dev", "system:authenticated"],
    ]);
    const init = {
      method: "POST",
      headers: { cookie, "content-type": "application/json" },
      body: JSON.stringify(configMap("a")),
    };
    const refused = await fetch(`${api.server.url}${configMaps}`, init);
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("weft-csrf")]);
    const proven = { ...init, headers: { ...init.headers, "weft-csrf": body.csrfToken } };
    const denied = await fetch(`${api.server.url}${configMaps}`, proven);
    // Who they are is proven now; no role gives them anything.
    expect([denied.status, await denied.text()]).toEqual([
      403,
      expect.stringContaining("oidc:ann may not create"),
    ]);
    expect(api.audited().some(({ verb, user }) => verb === "login" && user === "oidc:ann")).toBe(true);
  });

  test("that did not begin the login gets nothing from its end", async () => {
    const begun = await fetch(`${api.server.url}/auth/oidc/start`, { redirect: "manual" });
    const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state") ?? "";
    const callback = `${api.server.url}/auth/oidc/callback?code=stolen&state=${state}`;
    expect((await fetch(callback)).status).toBe(401);
    expect((await fetch(callback, { headers: { cookie: `weft-login=${state}` } })).status).toBe(401);
  });
});

describe("a token", () => {
  beforeEach(() => void clock.advance(1_000));

  test("tells user and groups, and never a name that the mesh itself gives", async () => {
    const { status, body } = await ask(await sign(claims()));
    expect([status, body.status?.userInfo]).toEqual([
      201,
      {
        username: "oidc:ann",
        uid: "7",
        groups: ["dev", "system:authenticated"],
        extra: { method: ["oidc"] },
      },
    ]);
  });

  const forged: [string, () => string | Promise<string>][] = [
    ["without a signature", () => new UnsecuredJWT(claims()).encode()],
    [
      "signed by another key",
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: "RS256", kid: "k1" })
          .sign((await generateKeyPair("RS256")).privateKey),
    ],
    [
      "signed with the public key as a secret",
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))),
    ],
    ["for somebody else", () => sign(claims({ aud: "other" }))],
    ["of another issuer", () => sign(claims({ iss: "https://evil.example" }))],
    ["that has expired", () => sign(claims({ exp: nowSeconds() - 61 }))],
    [
      "without an end",
      () => {
        const { exp: _exp, ...rest } = claims();
        return sign(rest);
      },
    ],
    ["that is not valid yet", () => sign(claims({ nbf: nowSeconds() + 3600 }))],
    ["without a name", () => sign(claims({ preferred_username: 7 }))],
    ["of an unknown key", () => sign(claims(), { kid: "k2" })],
    ["that is huge", () => sign(claims({ pad: "x".repeat(10_000) }))],
  ];
  test.each(forged)("%s is refused", async (_, make) => {
    expect((await ask(await make())).status).toBe(401);
  });

  test("of a key that nobody knows does not make us ask the provider each time", async () => {
    await stopProvider();
    expect((await ask(await sign(claims()))).status).toBe(201);
    for (let i = 0; i < 20; i++) expect((await ask(await sign(claims(), { kid: `x${i}` }))).status).toBe(401);
  });

  test("is believed through an outage of the provider, for a day", async () => {
    clock.advance(dayMs - 600_000);
    expect((await ask(await sign(claims()))).status).toBe(201);
    clock.advance(1_200_000);
    expect((await ask(await sign(claims()))).status).toBe(503);
    await startProvider();
    clock.advance(11_000);
    expect((await ask(await sign(claims()))).status).toBe(201);
  });
});
