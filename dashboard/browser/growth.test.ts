/** Live updates do not make the page grow: for some polls here, for a minute and longer with `npm run soak:dashboard`. */
import { expect, test } from "bun:test";
import type { CDPSession } from "playwright-core";
import { hasChromium, openPage } from "../testing/browser.ts";
import { Scene } from "./scene.ts";

const isSoak = process.env["WEFT_SOAK_SECONDS"] !== undefined;
const seconds = Number(process.env["WEFT_SOAK_SECONDS"] ?? 10);
const settleMs = 3_000;
/** What caches of compiled code and of fonts may still take after the page has settled. */
const spareBytes = 600_000;

async function usedBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

/** What one page does, from its rest until the time is over. */
async function watch(scene: Scene, path: string): Promise<void> {
  const api = scene.shop();
  await using opened = await openPage(scene.browser, api.url);
  const { page } = opened;
  const session = await page.context().newCDPSession(page);
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  // Time itself is what is waited for, here and below: polls come by the page's own clock.
  await page.waitForTimeout(settleMs);
  const before = await usedBytes(session);
  const askedBefore = api.asked.length;
  const nodesBefore = Number(await page.evaluate("document.querySelectorAll('*').length"));
  await page.waitForTimeout(seconds * 1000);
  const after = await usedBytes(session);
  expect(api.asked.length - askedBefore).toBeGreaterThan(seconds / 4);
  const nodesAfter = Number(await page.evaluate("document.querySelectorAll('*').length"));
  expect(nodesAfter).toBeLessThan(nodesBefore + 40);
  expect([path, Math.max(0, after - before - spareBytes)]).toEqual([path, 0]);
  if (isSoak) console.log(`${path}: ${before} bytes, ${after} after ${seconds} s`);
}

test.skipIf(!hasChromium)(
  "live updates make no page grow (Debian's chromium)",
  async () => {
    await using scene = await Scene.open();
    await Promise.all(["/", "/topology", "/services/payments/checkout"].map((path) => watch(scene, path)));
  },
  60_000 + seconds * 2_000,
);
