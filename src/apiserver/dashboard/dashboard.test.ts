/** The dashboard's files on the API's port: for people who open a page, compressed, kept by their names, under a strict policy. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestApi } from "../testing.ts";
import { chooseEncoding } from "./asset.ts";

const temporary = mkdtempSync(join(tmpdir(), "weft-pages-"));
const folder = join(temporary, "built");
const buildScript = join(import.meta.dir, "../../../scripts/build-dashboard.mjs");
let api: TestApi;

beforeAll(async () => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, buildScript, folder]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  api = await TestApi.start({ dashboard: () => Promise.resolve(folder) });
}, 60_000);

afterAll(async () => {
  await api.close();
  rmSync(temporary, { recursive: true, force: true });
});

function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return fetch(`${api.server.url}${path}`, { method, headers, decompress: false });
}

const navigation = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate" };

test("the page is at /, for everybody, with a policy that lets nothing inline and nothing from elsewhere run", async () => {
  const response = await get("/");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toStartWith("default-src 'self'; ");
  expect(response.headers.get("content-security-policy")).not.toContain("unsafe");
  expect([response.headers.get("cache-control"), response.headers.get("x-frame-options")]).toEqual([
    "no-cache",
    "DENY",
  ]);
});

test("a person who opens a path of a page gets the page; a program is told what it lacks", async () => {
  const opened = await get("/services/shop/reviews", navigation);
  expect([opened.status, opened.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const statuses = [
    get("/services/shop/reviews", { accept: "application/json" }),
    get("/services/shop/reviews", { ...navigation, "sec-fetch-mode": "cors" }),
    get("/services/shop/reviews", navigation, "POST"),
    get("/apis/weft.dev/v1alpha1/history", navigation),
  ];
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([401, 401, 401, 401]);
});

test("its files are kept for good under names that change with them, compressed, and known by their tags", async () => {
  const html = await (await get("/")).text();
  const script = /src="([^"]+)"/.exec(html)?.[1] ?? "";
  const plain = await get(script);
  expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(plain.headers.get("content-encoding")).toBeNull();
  const brotli = await get(script, { "accept-encoding": "gzip, deflate, br" });
  expect([brotli.headers.get("content-encoding"), brotli.headers.get("vary")]).toEqual([
    "br",
    "accept-encoding",
  ]);
  expect((await brotli.arrayBuffer()).byteLength).toBeLessThan((await plain.arrayBuffer()).byteLength / 2);
  const again = await get(script, { "if-none-match": plain.headers.get("etag") ?? "" });
  expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
  const head = await get(script, {}, "HEAD");
  expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
});

test("a file of another build is not the page", async () => {
  expect((await get("/dashboard/app-000000000000.js", navigation)).status).toBe(404);
  expect((await get("/dashboard/..%2f..%2fetc%2fpasswd", navigation)).status).toBe(404);
});

test("a foreign host gets nothing", async () => {
  expect((await get("/", { host: "evil.example" })).status).toBe(403);
});

test("the page learns how one may sign in", async () => {
  expect(await (await get("/auth/methods")).json()).toEqual({ token: true, oidc: false });
});

test("without a build the API serves on, and says how to make one", async () => {
  const bare = await TestApi.start({ dashboard: () => Promise.reject(new Error("nothing here")) });
  try {
    const response = await fetch(`${bare.server.url}/`, { headers: navigation });
    expect([response.status, await response.text()]).toEqual([
      503,
      expect.stringContaining("build-dashboard.mjs"),
    ]);
    expect((await bare.call("GET", "/apis/weft.dev/v1alpha1/history")).status).toBe(200);
  } finally {
    await bare.close();
  }
});

test.each([
  [null, "identity"],
  ["gzip", "gzip"],
  ["br;q=0, gzip", "gzip"],
  ["*", "br"],
  ["br;q=0.5", "br"],
  ["identity", "identity"],
] as const)("accept-encoding %p is answered with %p", (header, encoding) =>
  expect(chooseEncoding(header)).toBe(encoding),
);
