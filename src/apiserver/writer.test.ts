/** The writer by itself: what a flood of writes comes to. */
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { WeftError } from "../kernel/index.ts";
import { TestApi } from "./testing.ts";
import type { WriteGate } from "./write-gate.ts";
import { Writer } from "./writer.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

const openGate: WriteGate = {
  authorize() {},
  admit() {},
  commit: (_, write) => write(undefined),
  note() {},
};
const configMap = (name: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
});

test("writes wait for each other up to a bound, and those beyond it are told so at once: each is done or refused", async () => {
  const { store } = api;
  const writer = new Writer(store);
  const held = Promise.withResolvers<void>();
  spyOn(store, "catchUp").mockImplementationOnce(() => held.promise);
  const refused = Promise.withResolvers<void>();
  let refusals = 0;
  const flood = Array.from({ length: 300 }, async (_, index) => {
    const name = `note-${index}`;
    try {
      const about = { author: "ann", message: "flood", gate: openGate, dryRun: false };
      await writer.transact({ ...about, objects: [configMap(name)], deletions: [] });
      return name;
    } catch (error) {
      if (++refusals === 300 - 256) refused.resolve();
      return error instanceof WeftError ? error.code : "something else";
    }
  });
  await refused.promise;
  expect(store.list({ kind: "ConfigMap" }).items).toEqual([]);
  held.resolve();
  const outcomes = await Promise.all(flood);
  const done = outcomes.filter((outcome) => outcome.startsWith("note-"));
  expect(done.length).toBe(256);
  expect(outcomes.filter((outcome) => outcome === "exhausted").length).toBe(300 - 256);
  const stored = store.list({ kind: "ConfigMap" }).items.map(({ metadata }) => metadata.name);
  expect(stored.toSorted()).toEqual(done.toSorted());
});
