/** Sessions of browsers: what starts, keeps and ends one, what another site's page cannot do with it, and what each answer tells a browser. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { configMap, configMaps, TestApi, token } from "../testing.ts";
import { LoginAttempts } from "./attempts.ts";
import { SessionTable } from "./session-table.ts";

const clock = new VirtualClock(Date.now());
let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start({ clock });
  clock.advance(3_600_000);
});
afterEach(() => api.close());

const call = (
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Response> =>
  fetch(`${api.server.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function logIn(): Promise<{ cookie: string; csrf: string; line: string }> {
  const response = await call("POST", "/auth/login", { authorization: `Bearer ${token}` });
  expect(response.status).toBe(201);
  const line = response.headers.getSetCookie()[0] ?? "";
  // oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
  const body: any = await response.json();
  return { cookie: line.split(";")[0] ?? "", csrf: body.csrfToken, line };
}

describe("a session", () => {
  test("is started by a token, read with its cookie, written with its own token", async () => {
    const { cookie, csrf, line } = await logIn();
    expect(line).toMatch(/^weft-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect((await call("GET", configMaps, { cookie })).status).toBe(200);
    expect((await call("POST", configMaps, { cookie }, configMap("a"))).status).toBe(403);
    expect((await call("POST", configMaps, { cookie, "weft-csrf": "wrong" }, configMap("a"))).status).toBe(
      403,
    );
    expect((await call("POST", configMaps, { cookie, "weft-csrf": csrf }, configMap("a"))).status).toBe(201);
    expect(api.audited().at(-1)).toMatchObject({ user: "weft:admin", method: "session" });
  });

  test("is no use to another site's page", async () => {
    const { cookie, csrf } = await logIn();
    const own = { cookie, "weft-csrf": csrf };
    const origin = api.server.url;
    const outcomes: [Record<string, string>, number][] = [
      [{ "sec-fetch-site": "same-origin", origin }, 201],
      [{ "sec-fetch-site": "cross-site", origin }, 403],
      [{ "sec-fetch-site": "same-site", origin }, 403],
      [{ origin: "http://127.0.0.1:1" }, 403],
      [{ origin: "null" }, 403],
    ];
    for (const [index, [headers, status]] of outcomes.entries()) {
      expect((await call("POST", configMaps, { ...own, ...headers }, configMap(`c${index}`))).status).toBe(
        status,
      );
    }
    expect((await call("GET", configMaps, { cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  test("ends by logging out, which another page cannot do", async () => {
    const { cookie, csrf } = await logIn();
    expect((await call("POST", "/auth/logout", { cookie })).status).toBe(403);
    const out = await call("POST", "/auth/logout", { cookie, "weft-csrf": csrf });
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([200, expect.stringContaining("Max-Age=0")]);
    expect((await call("GET", configMaps, { cookie })).status).toBe(401);
    expect(api.audited().map(({ verb }) => verb)).toEqual(expect.arrayContaining(["login", "logout"]));
  });

  test("ends by idleness", async () => {
    const { cookie } = await logIn();
    clock.advance(29 * 60_000);
    expect((await call("GET", "/auth/session", { cookie })).status).toBe(200);
    clock.advance(31 * 60_000);
    expect((await call("GET", "/auth/session", { cookie })).status).toBe(401);
  });

  test("needs a token to start, and not a page of another site", async () => {
    expect((await call("POST", "/auth/login", {})).status).toBe(401);
    expect((await call("POST", "/auth/login", { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await call("GET", "/auth/login", { authorization: `Bearer ${token}` })).status).toBe(405);
    const foreign = { authorization: `Bearer ${token}`, "sec-fetch-site": "cross-site" };
    expect((await call("POST", "/auth/login", foreign)).status).toBe(403);
    const unknown = { cookie: `weft-session=${"x".repeat(43)}` };
    expect((await call("GET", configMaps, unknown)).status).toBe(401);
  });
});

test("logins are limited, and being let in again takes time", async () => {
  const attempt = async (): Promise<number> =>
    (await call("POST", "/auth/login", { authorization: "Bearer wrong" })).status;
  for (let i = 0; i < 10; i++) expect(await attempt()).toBe(401);
  expect(await attempt()).toBe(429);
  expect((await call("GET", configMaps, { authorization: `Bearer ${token}` })).status).toBe(200);
  clock.advance(6_000);
  expect([await attempt(), await attempt()]).toEqual([401, 429]);
});

test("all sources together are limited too, and the table of sources is bounded", () => {
  const attempts = new LoginAttempts(clock);
  const waits = Array.from({ length: 10_000 }, (_, i) => attempts.take(`10.0.${i >> 8}.${i & 255}`));
  expect(waits.filter((wait) => wait === 0)).toHaveLength(100);
});

describe("the table", () => {
  const caller = (user: string, expiresAtMs?: number) =>
    ({ user, groups: [], method: "oidc", expiresAtMs }) as const;

  test("is bounded, for one user and for all", () => {
    const table = new SessionTable(clock);
    const first = table.start(caller("ann"));
    for (let i = 0; i < 16; i++) table.start(caller("ann"));
    expect([table.size, table.find(first.id)]).toEqual([16, undefined]);
    for (let i = 0; i < 3_000; i++) table.start(caller(`u${i}`));
    expect(table.size).toBe(1_024);
  });

  test("ends a session with what proved its owner, and by age however much it is used", () => {
    const table = new SessionTable(clock);
    const short = table.start(caller("ann", clock.nowMs() + 60_000));
    const long = table.start(caller("bob"));
    clock.advance(60_000);
    expect(table.find(short.id)).toBeUndefined();
    for (let minutes = 1; minutes < 12 * 60; minutes += 20) {
      expect(table.find(long.id)?.caller).toMatchObject({ user: "bob", method: "session" });
      clock.advance(20 * 60_000);
    }
    expect(table.find(long.id)).toBeUndefined();
  });
});

test("every answer tells a browser to run, embed and keep nothing", async () => {
  const answers = [
    await call("GET", "/healthz", {}),
    await call("GET", configMaps, {}),
    await call("GET", configMaps, { authorization: `Bearer ${token}` }),
    await call("GET", "/metrics", { authorization: `Bearer ${token}` }),
    await call("GET", "/nowhere", { host: "evil.example" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 200, 403]);
  for (const { headers } of answers) {
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none';.*frame-ancestors 'none'/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  }
});
