/**
 * Live updates do not make the page grow: for some polls here, by a clock that is turned, for a minute and longer by the real one
 * with `npm run soak:dashboard`.
 */
import { expect, test } from "bun:test";
import type { CDPSession, Page, Request } from "playwright-core";
import Type from "typebox";
import { Parse } from "typebox/value";
import { hasChromium, openPage } from "../testing/browser.ts";
import { Scene } from "./scene.ts";

const isSoak = process.env["WEFT_SOAK_SECONDS"] !== undefined;
const seconds = Number(process.env["WEFT_SOAK_SECONDS"] ?? 10);
/** By then each document has come more than once, and what the page compiles and keeps for it is there. */
const settleAnswers = 40;
/** What is asked for within a step is answered before the next one. */
const stepMs = 200;
/** What a chart's next minute, a table's next row and the text of an answer more may take; a leak of one answer a poll takes more. */
const spareBytes = 100_000;

/** Of a heap snapshot's nodes: what programs make. The others are the browser's: compiled code, its records of what it loaded. */
const ownTypes = new Set([
  "object",
  "closure",
  "array",
  "string",
  "concatenated string",
  "sliced string",
  "number",
  "regexp",
  "symbol",
  "bigint",
]);

const snapshotSchema = Type.Object({
  snapshot: Type.Object({
    meta: Type.Object({
      node_fields: Type.Array(Type.String()),
      node_types: Type.Array(Type.Unknown()),
    }),
  }),
  nodes: Type.Array(Type.Number()),
});

/** Bytes that the page's own program holds, after a collection. */
async function ownBytes(session: CDPSession): Promise<number> {
  const chunks: string[] = [];
  const collect = ({ chunk }: { chunk: string }): void => void chunks.push(chunk);
  session.on("HeapProfiler.addHeapSnapshotChunk", collect);
  await session.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  session.off("HeapProfiler.addHeapSnapshotChunk", collect);
  const { snapshot, nodes } = Parse(snapshotSchema, JSON.parse(chunks.join("")));
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeNames] = Parse(Type.Tuple([Type.Array(Type.String())]), types.slice(0, 1));
  const [typeAt, sizeAt] = [fields.indexOf("type"), fields.indexOf("self_size")];
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length)
    if (ownTypes.has(typeNames[nodes[node + typeAt] ?? 0] ?? "")) bytes += nodes[node + sizeAt] ?? 0;
  return bytes;
}

/** The time of one page and of the documents that it is given. */
class PageTime {
  #aheadMs = 0;
  readonly #open = new Set<Request>();

  readonly nowMs = (): number => Date.now() + this.#aheadMs;

  async install(page: Page): Promise<void> {
    if (isSoak) return;
    await page.clock.install();
    page.on("request", (request) => this.#open.add(request));
    for (const end of ["requestfinished", "requestfailed"] as const)
      page.on(end, (request) => this.#open.delete(request));
  }

  async pass(page: Page, ms: number): Promise<void> {
    if (isSoak) return page.waitForTimeout(ms);
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.#aheadMs += stepMs;
      await page.clock.runFor(stepMs);
      while (this.#open.size > 0) await page.waitForTimeout(1);
    }
  }
}

/** What one page does, from its rest until the time is over. */
async function watch(scene: Scene, path: string): Promise<void> {
  const time = new PageTime();
  const api = scene.shop(time.nowMs);
  await using opened = await openPage(scene.browser, api.url);
  const { page } = opened;
  await time.install(page);
  const session = await page.context().newCDPSession(page);
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  while (api.asked.length < settleAnswers) await time.pass(page, stepMs);
  const before = await ownBytes(session);
  const askedBefore = api.asked.length;
  const nodesBefore = Number(await page.evaluate("document.querySelectorAll('*').length"));
  await time.pass(page, seconds * 1000);
  const after = await ownBytes(session);
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
  120_000 + seconds * 2_000,
);
