/** Documents are asked for while they are shown and seen, and not otherwise; nothing piles up. */
import { expect, test } from "bun:test";
import { ApiFailure } from "../api/fetch-json.ts";
import { DocumentStore } from "./document-store.ts";

/** Time that goes on by hand, and a server that answers what it is told to. */
function setUp() {
  let nowMs = 1_000;
  let lastTimer = 0;
  const timers = new Map<number, { atMs: number; action: () => void }>();
  const asked: string[] = [];
  let answer: () => Promise<unknown> = () => Promise.resolve({ n: asked.length });
  const store = new DocumentStore({
    fetch: (path) => {
      asked.push(path);
      return answer();
    },
    nowMs: () => nowMs,
    setTimer: (action, afterMs) => {
      timers.set(++lastTimer, { atMs: nowMs + afterMs, action });
      return lastTimer;
    },
    clearTimer: (timer) => void timers.delete(timer),
  });
  const advance = async (ms: number): Promise<void> => {
    const endMs = nowMs + ms;
    for (;;) {
      const next = [...timers]
        .filter(([, { atMs }]) => atMs <= endMs)
        .toSorted((a, b) => a[1].atMs - b[1].atMs)[0];
      if (next === undefined) break;
      timers.delete(next[0]);
      nowMs = next[1].atMs;
      next[1].action();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
    nowMs = endMs;
  };
  return { store, asked, timers, advance, answerWith: (next: () => Promise<unknown>) => (answer = next) };
}

const source = (key: string, everyMs: number | undefined = 3_000) => ({ key, path: () => key, everyMs });

test("asks at once, then again and again, as long as it is shown", async () => {
  const { store, asked, advance, timers } = setUp();
  const end = store.show(source("a"), () => {});
  await advance(0);
  expect(store.read("a").data).toEqual({ n: 1 });
  await advance(6_000);
  expect(asked).toHaveLength(3);
  end();
  await advance(60_000);
  expect(asked).toHaveLength(3);
  expect(timers.size).toBe(0);
});

test("two that show the same ask once", async () => {
  const { store, asked, advance } = setUp();
  store.show(source("a"), () => {});
  store.show(source("a"), () => {});
  await advance(0);
  expect(asked).toHaveLength(1);
});

test("a hidden tab asks for nothing, and for what is old as soon as it wakes", async () => {
  const { store, asked, advance } = setUp();
  store.show(source("a"), () => {});
  await advance(0);
  store.setVisible(false);
  await advance(3_600_000);
  expect(asked).toHaveLength(1);
  store.setVisible(true);
  await advance(0);
  expect(asked).toHaveLength(2);
});

test("what was shown stays while the control plane is away, and pauses grow up to a bound", async () => {
  const { store, asked, advance, answerWith } = setUp();
  store.show(source("a"), () => {});
  await advance(0);
  answerWith(() => Promise.reject(new ApiFailure("away", "gone")));
  await advance(3_000);
  expect(store.read("a")).toMatchObject({ data: { n: 1 }, failure: { kind: "away" } });
  await advance(6_000 + 12_000 + 24_000);
  expect(asked).toHaveLength(5);
  await advance(30_000);
  expect(asked).toHaveLength(6);
  answerWith(() => Promise.resolve({ n: "back" }));
  store.refresh();
  await advance(0);
  expect(store.read("a")).toMatchObject({ data: { n: "back" }, failure: undefined });
});

test("whoever is signed out is not asked for", async () => {
  const { store, asked, advance, answerWith } = setUp();
  answerWith(() => Promise.reject(new ApiFailure("signed_out", "no")));
  store.show(source("a"), () => {});
  await advance(600_000);
  expect(asked).toHaveLength(1);
});

test("documents that nobody shows are few", async () => {
  const { store, advance } = setUp();
  for (let n = 0; n < 100; n++) {
    const end = store.show(source(`document ${n}`), () => {});
    await advance(0);
    end();
  }
  expect(store.size).toBeLessThanOrEqual(12);
});

test("signing out forgets what was shown", async () => {
  const { store, advance } = setUp();
  const end = store.show(source("a"), () => {});
  await advance(0);
  end();
  store.clear();
  expect([store.size, store.read("a").data]).toEqual([0, undefined]);
});
