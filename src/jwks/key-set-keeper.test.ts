/** Key sets over time: refreshed, through outages and restarts, on a virtual clock. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, VirtualClock } from "../kernel/index.ts";
import type { Fetched } from "./fetch-key-set.ts";
import { keptForMs, refreshMs, retryMs } from "./kept-key-set.ts";
import { KeySetKeeper } from "./key-set-keeper.ts";
import { newKeySet, privateKeySet } from "./testing/key-sets.ts";

const uri = "https://issuer.example/keys";
const one = newKeySet("one");
const two = newKeySet("two");
const down: Fetched = { result: "failed", error: "connection refused" };
const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "weft-jwks-"));
  directories.push(directory);
  return directory;
}

function fresh(document: string, freshForMs?: number, etag?: string): Fetched {
  return { result: "fetched", document, etag, freshForMs };
}

interface Told {
  readonly document: string | undefined;
  readonly error: string | undefined;
}

function scene(directory?: string, clock = new VirtualClock()) {
  const told: Told[] = [];
  const asked: { readonly uri: string; readonly etag: string | undefined; readonly atMs: number }[] = [];
  const lines: string[] = [];
  let answer: Fetched | Promise<Fetched> = down;
  const keeper = new KeySetKeeper({
    clock,
    log: createLog({ format: "text", level: "info", write: (line) => void lines.push(line) }),
    random: () => 0,
    onKeySet: (_uri, document, error) => void told.push({ document, error }),
    fetch: async (from, etag) => {
      asked.push({ uri: from, etag, atMs: clock.nowMs() });
      return await answer;
    },
    ...(directory === undefined ? {} : { directory }),
  });
  return {
    clock,
    keeper,
    told,
    asked,
    lines,
    answers: (next: Fetched | Promise<Fetched>) => {
      answer = next;
    },
    /** Timers of the clock, and what they began. */
    pass: async (ms: number, stepMs = ms) => {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(stepMs, left));
        await settle();
      }
    },
  };
}

/** What was fetched is taken within a few turns of promises; no time passes. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("refreshing", () => {
  test("fetches at once what is wanted, once for the same set", async () => {
    const { keeper, told, asked, answers } = scene();
    answers(fresh(one));
    const wanted = new Set([uri]);
    keeper.want(wanted);
    keeper.want(wanted);
    await settle();
    expect(told).toEqual([{ document: one, error: undefined }]);
    expect(asked).toHaveLength(1);
    keeper.close();
  });

  test.each([
    [undefined, refreshMs.default],
    [0, refreshMs.min],
    [300_000, 300_000],
    [86_400_000, refreshMs.max],
  ])("what is fresh for %p is asked for again after %d ms", async (freshForMs, afterMs) => {
    const { keeper, asked, answers, pass } = scene();
    answers(fresh(one, freshForMs, '"v1"'));
    keeper.want(new Set([uri]));
    await settle();
    await pass(afterMs - 1);
    expect(asked).toHaveLength(1);
    await pass(1);
    expect(asked.map(({ etag }) => etag)).toEqual([undefined, '"v1"']);
    keeper.close();
  });

  test("new keys are told, the same ones are not", async () => {
    const { keeper, told, answers, pass } = scene();
    answers(fresh(one));
    keeper.want(new Set([uri]));
    await settle();
    answers({ result: "unchanged", freshForMs: undefined });
    await pass(refreshMs.default);
    answers(fresh(one));
    await pass(refreshMs.default);
    expect(told).toHaveLength(1);
    answers(fresh(two));
    await pass(refreshMs.default);
    expect(told.map(({ document }) => document)).toEqual([one, two]);
    keeper.close();
  });

  test("nothing is asked any more for what nobody wants", async () => {
    const { keeper, asked, told, answers, clock, pass } = scene(newDirectory());
    const late = Promise.withResolvers<Fetched>();
    answers(late.promise);
    keeper.want(new Set([uri]));
    await settle();
    keeper.want(new Set());
    late.resolve(fresh(one));
    await pass(2 * refreshMs.max);
    expect(asked).toHaveLength(1);
    expect(told).toEqual([]);
    expect(keeper.figures.ages).toEqual([]);
    keeper.close();
    expect(clock.nowMs()).toBeGreaterThan(0);
  });

  test("eight are fetched at a time", async () => {
    const { keeper, asked, answers } = scene();
    const held = Promise.withResolvers<Fetched>();
    answers(held.promise);
    keeper.want(new Set(Array.from({ length: 20 }, (_, i) => `${uri}/${i}`)));
    await settle();
    expect(asked).toHaveLength(8);
    held.resolve(fresh(one));
    await settle();
    await settle();
    expect(asked).toHaveLength(20);
    keeper.close();
  });

  test("keys without TLS are warned about", () => {
    const { keeper, lines } = scene();
    keeper.want(new Set(["http://issuer.example/keys"]));
    expect(lines.join("")).toContain("without TLS");
    keeper.close();
  });
});

describe("an outage", () => {
  test("the last keys stay in force, with the reason told once", async () => {
    const { keeper, told, lines, asked, answers, pass } = scene();
    answers(fresh(one));
    keeper.want(new Set([uri]));
    await settle();
    answers(down);
    await pass(refreshMs.default);
    await pass(3_600_000, 60_000);
    expect(told).toEqual([
      { document: one, error: undefined },
      { document: one, error: "connection refused" },
    ]);
    expect(lines.filter((line) => line.includes("cannot be fetched"))).toHaveLength(1);
    // Seldom, but at least every five minutes.
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.length).toBeLessThan(60);
    answers(fresh(one));
    await pass(retryMs.max);
    expect(told.at(-1)).toEqual({ document: one, error: undefined });
    keeper.close();
  });

  test("is said louder and louder, and after a day the keys are not used any more", async () => {
    const { keeper, told, lines, answers, pass } = scene();
    answers(fresh(one));
    keeper.want(new Set([uri]));
    await settle();
    answers(down);
    await pass(keptForMs - 1, 60_000);
    expect(told.at(-1)?.document).toBe(one);
    const loud = lines.filter((line) => line.includes("error") && line.includes("getting old"));
    expect(loud).toHaveLength(4);
    expect(loud[0]).toContain("until");
    expect(keeper.figures.ages).toEqual([{ uri, ageMs: keptForMs - 1 }]);
    await pass(1);
    expect(told.at(-1)).toEqual({ document: undefined, error: "connection refused" });
    expect(keeper.figures.ages).toEqual([]);
    answers(fresh(two));
    await pass(retryMs.max);
    expect(told.at(-1)).toEqual({ document: two, error: undefined });
    keeper.close();
  });

  test("before there were keys is told too, and asked again soon", async () => {
    const { keeper, told, asked, answers, pass } = scene();
    keeper.want(new Set([uri]));
    await settle();
    expect(told).toEqual([{ document: undefined, error: "connection refused" }]);
    answers(fresh(one));
    await pass(retryMs.min / 2);
    expect(asked).toHaveLength(2);
    expect(told.at(-1)).toEqual({ document: one, error: undefined });
    keeper.close();
  });

  test("an answer without keys never takes the place of good ones", async () => {
    const { keeper, told, answers, pass } = scene();
    answers(fresh(one));
    keeper.want(new Set([uri]));
    await settle();
    answers({ result: "invalid", error: "no JWK Set" });
    await pass(refreshMs.default);
    expect(told.at(-1)).toEqual({ document: one, error: "no JWK Set" });
    expect(keeper.figures.fetches).toEqual([
      { result: "fetched", count: 1 },
      { result: "invalid", count: 1 },
    ]);
    keeper.close();
  });

  test("nothing has changed, says one that was never asked before", async () => {
    const { keeper, told, answers } = scene();
    answers({ result: "unchanged", freshForMs: undefined });
    keeper.want(new Set([uri]));
    await settle();
    expect(told[0]?.document).toBeUndefined();
    expect(told[0]?.error).toContain("nothing was there");
    keeper.close();
  });
});

describe("a restart", () => {
  test("during an outage goes on with the keys on disk, for the rest of their time", async () => {
    const directory = newDirectory();
    const before = scene(directory);
    before.answers(fresh(one, undefined, '"v1"'));
    before.keeper.want(new Set([uri]));
    await settle();
    before.keeper.close();
    before.clock.advance(keptForMs - 3_600_000);

    const after = scene(directory, before.clock);
    after.keeper.want(new Set([uri]));
    expect(after.told).toEqual([{ document: one, error: undefined }]);
    await settle();
    expect(after.asked).toMatchObject([{ etag: '"v1"' }]);
    await after.pass(3_600_000, 60_000);
    expect(after.told.at(-1)?.document).toBeUndefined();
    after.keeper.close();

    const late = scene(directory, before.clock);
    late.keeper.want(new Set([uri]));
    expect(late.told).toEqual([]);
    late.keeper.close();
  });

  test("files that are broken, foreign, too old or secret are not used", async () => {
    const clock = new VirtualClock();
    const directory = newDirectory();
    const first = scene(directory, clock);
    first.answers(fresh(one));
    first.keeper.want(new Set([uri]));
    await settle();
    first.keeper.close();
    const [name = ""] = readdirSync(directory);
    const file = join(directory, name);
    const good: unknown = JSON.parse(readFileSync(file, "utf8"));
    const use = async (content: string): Promise<Told[]> => {
      writeFileSync(file, content);
      const next = scene(directory, clock);
      next.keeper.want(new Set([uri]));
      const told = [...next.told];
      next.keeper.close();
      await settle();
      return told;
    };
    expect(await use(JSON.stringify(good))).toHaveLength(1);
    const bad = [
      "",
      "{",
      "null",
      JSON.stringify({ ...Object(good), uri: "https://other.example/" }),
      JSON.stringify({ ...Object(good), document: "{}" }),
      JSON.stringify({ ...Object(good), document: privateKeySet() }),
      JSON.stringify({ ...Object(good), fetchedAtMs: "now" }),
      JSON.stringify({ ...Object(good), fetchedAtMs: 0 }),
      JSON.stringify({ ...Object(good), etag: 7 }),
    ];
    for (const content of bad) expect(await use(content)).toEqual([]);
    // A clock that went back: as old as it can be, not younger.
    expect(await use(JSON.stringify({ ...Object(good), fetchedAtMs: clock.nowMs() + 1e9 }))).toHaveLength(1);
  });

  test("nothing stays on disk of what nobody wants", async () => {
    const directory = newDirectory();
    const { keeper, answers } = scene(directory);
    answers(fresh(one));
    keeper.want(new Set([uri, `${uri}2`]));
    await settle();
    writeFileSync(join(directory, "x.json.1.tmp"), "half");
    expect(readdirSync(directory)).toHaveLength(3);
    keeper.want(new Set([uri]));
    expect(readdirSync(directory)).toHaveLength(1);
    keeper.close();
  });
});
