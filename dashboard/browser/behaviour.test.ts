/** How the dashboard behaves: signing in and out, keys, a tab that sleeps, a control plane that goes away, requests that are watched. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hasChromium, openPage, signIn } from "../testing/browser.ts";
import type { FakeApi } from "../testing/fake-api.ts";
import { Scene } from "./scene.ts";

let scene: Scene;
const deadlineMs = 15_000;

/** Asks for the path, counted until now. */
function askedFor(api: FakeApi, path: string): number {
  return api.asked.filter((each) => each.endsWith(path)).length;
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error("it did not come to that");
    await Bun.sleep(20);
  }
}

describe.skipIf(!hasChromium)("in Chromium (Debian's chromium)", () => {
  beforeAll(async () => {
    scene = await Scene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test("signs in with a token, keeps the page that was asked for, and signs out", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url);
    const { page } = opened;
    await page.context().clearCookies();
    await page.goto("/services");
    expect(
      await page.getByRole("link", { name: "Continue with your organisation" }).getAttribute("href"),
    ).toBe("/auth/oidc/start");
    await page.getByLabel("Token").fill("wrong");
    await page.getByLabel("Token").press("Enter");
    await page.getByText("This token is not valid here.").waitFor();
    await signIn(page);
    await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
    expect(await page.evaluate("JSON.stringify([localStorage, sessionStorage]).includes('fake-token')")).toBe(
      false,
    );
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  });

  test("everything is reached by keys", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/");
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("content");
    for (const [key, heading] of [
      ["s", "Services"],
      ["c", "Certificates"],
      ["x", "Proxies"],
      ["h", "Changes"],
      ["r", "Routes"],
      ["p", "Policies"],
      ["e", "Requests"],
      ["w", "Explain"],
      ["t", "Topology"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    }
    await page.locator('[data-node="edge/gateway"]').focus();
    await page.keyboard.press("Enter");
    await page.getByRole("complementary", { name: "Chosen: gateway" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("complementary", { name: "Chosen: frontend" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "frontend" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    await page.waitForFunction("document.activeElement.type === 'search'");
    await page.keyboard.type("ledger");
    await page.getByText("catalog").waitFor({ state: "detached" });
    expect(problems).toEqual([]);
  });

  test("a question is asked by keys, answered hop by hop, and kept in the address", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/explain");
    await page.getByText("Ask about a request").waitFor();
    expect(await page.getByRole("button", { name: "Explain" }).isDisabled()).toBe(true);
    await page.getByLabel("From").focus();
    await page.keyboard.type("web/storefront");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("http://reviews/");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 2, name: "What comes of it" }).waitFor();
    expect(await page.getByRole("heading", { level: 2 }).count()).toBe(3);
    expect(await page.getByRole("region", { name: "Backends" }).getByRole("row").count()).toBe(3);
    await page.getByRole("region", { name: "Policies that were asked" }).getByText("callers").waitFor();
    expect(new URL(page.url()).searchParams.get("from")).toBe("web/storefront");
    await page.reload();
    await page.getByRole("heading", { level: 2, name: "What comes of it" }).waitFor();
    api.failing = 403;
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText("You may not see this").first().waitFor();
    expect(problems.filter((problem) => !problem.includes("403"))).toEqual([]);
  });

  test("a request that was watched leads to its explanation", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/requests/0198f3c2-77aa-7000-8000-000000000003");
    await page.getByRole("link", { name: "Explain", exact: true }).last().click();
    await page.getByRole("heading", { level: 2, name: "What comes of it" }).waitFor();
    expect(new URL(page.url()).searchParams.get("id")).toBe("0198f3c2-77aa-7000-8000-000000000003");
    expect(problems).toEqual([]);
  });

  test("every stop of the tab key is seen and named, in the order of the page", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page } = opened;
    await page.goto("/services");
    await page.getByRole("heading", { level: 1, name: "Services" }).waitFor();
    await page.getByRole("link", { name: "frontend" }).waitFor();
    const names: string[] = [];
    for (let stop = 0; stop < 26; stop++) {
      await page.keyboard.press("Tab");
      names.push(
        String(
          await page.evaluate(`(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
        return outlineStyle === "none" || outlineWidth === "0px" || box.width === 0 ? "unseen: " + element.outerHTML.slice(0, 80) : name.trim();
      })()`),
        ),
      );
    }
    expect(names.filter((name) => name === "" || name.startsWith("unseen"))).toEqual([]);
    expect(names.slice(0, 2)).toEqual(["Skip to content", "weft, overview"]);
    expect(names.indexOf("Overview")).toBeLessThan(names.indexOf("Find a service"));
  });

  test("a tab that sleeps asks for nothing and catches up when it wakes", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url);
    const { page } = opened;
    await page.clock.install();
    await page.goto("/services");
    await page.getByRole("link", { name: "frontend" }).waitFor();
    const hide = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} }); document.dispatchEvent(new Event("visibilitychange"))`,
      );
    await hide(true);
    const asleep = askedFor(api, "/services");
    await page.clock.runFor(3_600_000);
    expect(askedFor(api, "/services")).toBe(asleep);
    await hide(false);
    await page.clock.runFor(100);
    await until(() => askedFor(api, "/services") > asleep);
  });

  test("a control plane that goes away is told calmly, what was shown stays, and it goes on by itself", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url);
    const { page } = opened;
    await page.clock.install();
    await page.goto("/proxies");
    await page.getByText("shop/frontend-1").waitFor();
    api.failing = 503;
    await page.clock.runFor(6_000);
    await page.getByText(/^As of/).waitFor({ timeout: deadlineMs });
    expect(await page.getByText("shop/frontend-1").isVisible()).toBe(true);
    api.failing = undefined;
    await page.getByRole("button", { name: "Try now" }).click();
    await page.clock.runFor(100);
    await page.getByText("Live", { exact: true }).waitFor();
    api.failing = 403;
    await page.goto("/certificates");
    await page.getByText("You may not see this").waitFor();
    api.failing = 401;
    await page.clock.runFor(40_000);
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor({ timeout: deadlineMs });
  });

  test("a control plane that is away from the start says what to do", async () => {
    const api = scene.shop();
    api.failing = 503;
    await using opened = await openPage(scene.browser, api.url);
    const { page } = opened;
    await page.goto("/");
    await page.getByRole("heading", { name: "The control plane is away" }).waitFor();
    api.failing = undefined;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  });

  test("requests are watched live and one is followed hop by hop", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page, problems } = opened;
    await page.goto("/requests");
    await page.getByRole("button", { name: "Watch" }).click();
    await page.getByText(/Watching at 11 proxies/).waitFor();
    const first = page.locator("tbody tr a").first();
    await first.waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await first.click();
    await page.getByRole("heading", { level: 2, name: "Where the time went" }).waitFor();
    expect(await page.locator(".waterfall ol li").count()).toBeGreaterThan(2);
    await page.locator(".waterfall ol button").nth(1).click();
    await page.getByText("the server's side").waitFor();
    expect(await page.getByText("(redacted)").count()).toBeGreaterThan(0);
    expect(problems).toEqual([]);
  });

  test("charts say where configuration changed, by whom and what for", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { reducedMotion: "reduce" });
    const { page } = opened;
    await page.goto("/");
    const over = page.locator(".u-over").first();
    await over.waitFor();
    const box = await over.boundingBox();
    if (box === null) throw new Error("no chart");
    // The change is 6.4 minutes old; the chart is of 15.
    for (let step = -12; step <= 12 && (await page.locator(".mark-note").count()) === 0; step++) {
      await page.mouse.move(box.x + box.width * (1 - 6.4 / 15) + step * 4, box.y + box.height / 2);
    }
    expect(await page.locator(".mark-note").first().textContent()).toContain(
      "Send a tenth of checkout to v13",
    );
    expect(await page.locator(".mark-note").first().textContent()).toContain("mira");
  });

  test("the theme is switched by a key and kept", async () => {
    const api = scene.shop();
    await using opened = await openPage(scene.browser, api.url, { colorScheme: "light" });
    const { page } = opened;
    await page.goto("/");
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.keyboard.press("d");
    await page.keyboard.press("d");
    expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
    await page.reload();
    await page.getByRole("button", { name: "Theme: dark" }).waitFor();
  });
});
