/** The dashboard in a real Chromium on the real shop: every page, signed in with the instance's token, with the figures of its traffic. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { hasChromium, launch, type OpenPage, openPage, signIn } from "../../dashboard/testing/browser.ts";
import { go, settled, violationsOf } from "../../dashboard/testing/page-checks.ts";
import { ApiClient } from "../../src/client/index.ts";
import { eventually } from "./harness/eventually.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";

const hookTimeoutMs = 90_000;
const pageTimeoutMs = 20_000;
const chartStepMs = 10_000;
const chartTimeoutMs = 40_000;
const pages = [
  ["/", "Overview"],
  ["/topology", "Topology"],
  ["/services", "Services"],
  ["/services/default/reviews", "reviews"],
  ["/requests", "Requests"],
  ["/routes", "Routes"],
  ["/routes/HTTPRoute/default/reviews", "reviews"],
  ["/policies", "Policies"],
  ["/certificates", "Certificates"],
  ["/proxies", "Proxies"],
  ["/changes", "Changes"],
] as const;
/** Titles of states in which a page has no data although there is some. */
const errorStates =
  /That did not work|The control plane is away|You may not see this|Not here|Your session has ended|No request in this window/;

describe.skipIf(!hasChromium)("in Chromium (Debian's chromium)", () => {
  let mesh: TestMesh;
  let browser: Browser;

  beforeAll(async () => {
    [mesh, browser] = await Promise.all([startMesh({ dir: "examples/shop" }), launch()]);
    const client = new ApiClient({ server: mesh.ready.api, token: token() });
    await eventually(async () => {
      await mesh.get("/");
      const { items } = await client.services(60);
      const busy = items.filter(({ requestsPerSecond }) => requestsPerSecond > 0).map(({ name }) => name);
      expect(busy).toEqual(expect.arrayContaining(["catalog", "frontend", "reviews-v1"]));
      // Charts are of whole steps.
      const toMs = Math.floor(Date.now() / chartStepMs) * chartStepMs;
      const { groups } = await client.signals({ fromMs: toMs - 2 * chartStepMs, toMs, stepMs: chartStepMs });
      expect(groups.map(({ key }) => key)).toEqual(["all"]);
    }, chartTimeoutMs);
  }, hookTimeoutMs);
  afterAll(async () => {
    await browser?.close();
    await mesh?.[Symbol.asyncDispose]();
  }, hookTimeoutMs);

  const token = (): string => readFileSync(join(mesh.dataDir, "token"), "utf8").trim();

  /** As somebody who comes for the first time; what went wrong before one is in (the session that is not) is not a problem. */
  async function enter(
    options: Parameters<typeof openPage>[2] = {},
  ): Promise<OpenPage & { readonly problemsSince: () => string[] }> {
    const opened = await openPage(browser, mesh.ready.api, {
      ...options,
      isSignedIn: false,
      reducedMotion: "reduce",
    });
    const { page, problems } = opened;
    page.setDefaultTimeout(pageTimeoutMs);
    await page.goto("/");
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    const before = problems.length;
    await signIn(page, token());
    await settled(page, "Overview");
    return { ...opened, problemsSince: () => problems.slice(before) };
  }

  test.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)(
    "every page has its data and nothing wrong, %s, %p wide",
    async (colorScheme, width) => {
      await using opened = await enter({ colorScheme, viewport: { width, height: 800 } });
      const { page } = opened;
      for (const [path, heading] of pages) {
        await go(page, path);
        await settled(page, heading);
        const main = await page.locator("main").innerText();
        const isTooWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
        expect([
          path,
          main.match(errorStates)?.[0],
          isTooWide,
          await violationsOf(page, colorScheme),
        ]).toEqual([path, undefined, false, []]);
      }
      expect(opened.problemsSince()).toEqual([]);
    },
    60_000,
  );

  test("figures are those of the traffic: rate, latency, mutual TLS, proxies, edges and endpoints", async () => {
    await using opened = await enter();
    const { page } = opened;
    const tile = (name: string): Promise<string> =>
      page.locator(".tile", { hasText: name }).locator("dd").innerText();
    expect(Number.parseFloat(await tile("Requests per second"))).toBeGreaterThan(0);
    expect(Number.parseFloat(await tile("Slowest p99"))).toBeGreaterThan(0);
    // Whoever comes through the gateway's door in this test comes in plaintext.
    expect(Number.parseFloat(await tile("Mutual TLS"))).toBeGreaterThan(0);
    expect(await tile("Proxies up to date")).toMatch(/^[1-9]\d*\s+of [1-9]\d*/);
    expect(await page.locator("main canvas").count()).toBeGreaterThanOrEqual(3);
    await go(page, "/topology");
    await page.locator('[data-node="default/frontend"]').waitFor();
    await page.getByRole("button", { name: "As a table" }).click();
    const edge = page.getByRole("row").filter({ hasText: "visitors" }).filter({ hasText: "frontend" });
    expect(await edge.innerText()).toMatch(/\d/);
    await go(page, "/services/default/catalog");
    await settled(page, "catalog");
    expect(Number.parseFloat(await tile("Requests/s"))).toBeGreaterThan(0);
    await page.getByRole("table", { name: "Endpoints" }).getByText("catalog").first().waitFor();
    await go(page, "/proxies");
    await page.getByText("reviews-v2").first().waitFor();
    expect(opened.problemsSince()).toEqual([]);
  }, 60_000);

  test("live requests are watched, and one is shown hop by hop", async () => {
    await using opened = await enter();
    const { page } = opened;
    await go(page, "/requests");
    await settled(page, "Requests");
    await page.getByLabel("Service").selectOption("default/catalog");
    await page.getByRole("button", { name: "Watch" }).click();
    const first = page.getByRole("link", { name: "GET /books/1" }).first();
    await first.waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    expect(await violationsOf(page, "light")).toEqual([]);
    await first.click();
    await page.locator(".waterfall").waitFor();
    await page.getByRole("heading", { level: 1, name: "GET /books/1" }).waitFor();
    expect(await page.locator(".waterfall-name").count()).toBeGreaterThanOrEqual(1);
    expect(await violationsOf(page, "light")).toEqual([]);
    expect(opened.problemsSince()).toEqual([]);
  }, 60_000);
});
