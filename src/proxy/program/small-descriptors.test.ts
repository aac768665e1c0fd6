/** Small descriptors against the full ones: the same objects and the same bytes, for every message of the two planes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { smallDescriptorsPlugin } from "./small-descriptors-plugin.ts";
import * as full from "./testing/codec.ts";
import { randomMessage } from "./testing/random-message.ts";

const messagesOfEach = 50;
const seed = Math.floor(Math.random() * 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), "weft-small-descriptors-"));
let small: typeof full;

beforeAll(async () => {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "testing/codec.ts")],
    outdir: folder,
    target: "bun",
    plugins: [smallDescriptorsPlugin],
  });
  small = await import(outputs[0]?.path ?? "");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the build has the small ones, for every message", () => {
  expect(full.schemas.length).toBeGreaterThan(30);
  expect(small.schemas.map(({ typeName }) => typeName)).toEqual(full.schemas.map(({ typeName }) => typeName));
  for (const schema of small.schemas) expect(schema.constructor.name).toBe("SmallMessage");
});

test("services and enums are the same", () => {
  expect(small.services).toEqual(full.services);
  expect(small.enums).toEqual(full.enums);
});

test(`create, toBinary and fromBinary do the same (seed ${seed})`, () => {
  const random = mulberry32(seed);
  let bytesWritten = 0;
  for (const [i, fullSchema] of full.schemas.entries()) {
    const smallSchema = small.schemas[i] ?? expect.unreachable();
    for (let n = 0; n < messagesOfEach; n++) {
      const init = randomMessage(fullSchema, random);
      const message = full.create(fullSchema, init);
      const bytes = full.toBinary(fullSchema, message);
      expect(small.create(smallSchema, init)).toEqual(message);
      expect(small.toBinary(smallSchema, small.create(smallSchema, init))).toEqual(bytes);
      expect(small.fromBinary(smallSchema, bytes)).toEqual(full.fromBinary(fullSchema, bytes));
      bytesWritten += bytes.length;
    }
  }
  expect(bytesWritten).toBeGreaterThan(full.schemas.length * messagesOfEach);
});

test(`bytes that are no message are refused alike (seed ${seed})`, () => {
  const random = mulberry32(seed);
  for (const [i, fullSchema] of full.schemas.entries()) {
    const smallSchema = small.schemas[i] ?? expect.unreachable();
    for (let n = 0; n < messagesOfEach; n++) {
      const bytes = full.toBinary(fullSchema, full.create(fullSchema, randomMessage(fullSchema, random)));
      if (bytes.length === 0) continue;
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      expect(outcome(() => small.fromBinary(smallSchema, bytes))).toEqual(
        outcome(() => full.fromBinary(fullSchema, bytes)),
      );
    }
  }
});

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

/** A small generator of numbers in [0, 1) that a seed repeats. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
