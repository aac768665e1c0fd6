/** Every page in a real Chromium, on a shop and on 300 services: shown, free of errors, of requests to elsewhere and of axe's violations. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hasChromium, openPage } from "../testing/browser.ts";
import { go, settled, violationsOf } from "../testing/page-checks.ts";
import { pages, Scene } from "./scene.ts";

let scene: Scene;
const largePages = [
  ["/", "Overview"],
  ["/topology", "Topology"],
  ["/services", "Services"],
  ["/services/web/api", "api"],
  ["/proxies", "Proxies"],
  ["/certificates", "Certificates"],
] as const;

describe.skipIf(!hasChromium)("in Chromium (Debian's chromium)", () => {
  beforeAll(async () => {
    scene = await Scene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test.each([
    ["light", { colorScheme: "light", viewport: { width: 1440, height: 900 } }],
    ["dark", { colorScheme: "dark", viewport: { width: 1440, height: 900 } }],
    ["on a phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true }],
  ] as const)("the shop's pages, %s", async (_, options) => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { ...options, reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/");
    for (const [path, heading] of pages) {
      await go(page, path);
      await settled(page, heading);
      expect([path, await violationsOf(page, options.colorScheme)]).toEqual([path, []]);
      const isTooWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
      expect([path, isTooWide]).toEqual([path, false]);
    }
    expect(problems).toEqual([]);
  });

  test.each([
    ["light", 1440],
    ["dark", 390],
  ] as const)("the pages of 300 services and 3,000 workloads, %s, %p wide", async (colorScheme, width) => {
    const api = scene.large();
    const viewport = { width, height: 900 };
    await using opened = await openPage(scene.browser, api.url, {
      colorScheme,
      viewport,
      reducedMotion: "reduce",
    });
    const { page, problems } = opened;
    await page.goto("/");
    for (const [path, heading] of largePages) {
      await go(page, path);
      await settled(page, heading);
      expect([path, await violationsOf(page, colorScheme)]).toEqual([path, []]);
    }
    expect(problems).toEqual([]);
  });

  test.each(["/", "/topology", "/proxies"])("%s of 300 services is painted within a second", async (path) => {
    const api = scene.large();
    await using opened = await openPage(scene.browser, api.url);
    const { page } = opened;
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const paintedMs: unknown = await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime",
    );
    expect(Number(paintedMs)).toBeLessThan(1_000);
  });

  test("300 services unfolded never stop the page for long, and are searched, focused and walked", async () => {
    const api = scene.large();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/topology");
    const nodes = page.locator("[data-node]");
    await page.locator('[data-node="web/"]').waitFor();
    expect(await nodes.count()).toBe(26);
    await page.evaluate(
      "window.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); }).observe({ type: 'longtask' })",
    );
    await page.getByRole("button", { name: "Unfold all" }).click();
    await page.locator('[data-node="web/api"]').waitFor();
    expect(await nodes.count()).toBe(301);
    expect(Number(await page.evaluate("window.longest"))).toBeLessThan(700);
    await page.getByRole("button", { name: "Fold all", exact: true }).click();
    await page.getByLabel("Find a service").fill("web/api");
    await page.getByLabel("Find a service").press("Enter");
    await page.getByRole("complementary", { name: "Chosen: api" }).waitFor();
    await page.getByRole("button", { name: "Neighbours only" }).click();
    await page.waitForFunction("document.querySelectorAll('[data-node]').length < 20");
    expect(page.url()).toContain("focus=web%2Fapi");
    expect(problems).toEqual([]);
  });

  test("names that are markup, endless or written the other way are text, on every page", async () => {
    const api = scene.hostile();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/");
    for (const path of [
      "/",
      "/topology",
      "/services",
      "/requests",
      "/explain?id=7",
      "/routes",
      "/policies",
      "/certificates",
      "/proxies",
      "/changes",
    ]) {
      await go(page, path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".waiting, .waiting-map").first().waitFor({ state: "detached" });
      const isInert = await page.evaluate(
        "document.body.dataset.hacked === undefined && document.title !== '1' && document.querySelector('main img, main script') === null",
      );
      const isTooWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
      expect([path, isInert, isTooWide]).toEqual([path, true, false]);
    }
    await page.goto("/services");
    await page.getByRole("link", { name: "<img" }).first().click();
    await page.getByRole("heading", { level: 1, name: "<img" }).waitFor();
    expect(await page.evaluate("document.body.dataset.hacked === undefined")).toBe(true);
    expect(problems).toEqual([]);
  });
});
