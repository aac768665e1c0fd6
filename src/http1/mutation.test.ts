/**
 * Damaged messages: no parser throws, cuts change nothing, and whatever is accepted is encoded into a message that is
 * read the same way again, so that no hop after us can see another message than we saw.
 */
import { expect, test } from "bun:test";
import { ByteWriter } from "../kernel/index.ts";
import { encodeRequestHead } from "./encode-head.ts";
import { RequestParser } from "./request-parser.ts";
import type { RequestHead } from "./request-head.ts";
import { recordRequests, recordResponses } from "./testdata/recorder.ts";
import { allRequestVectors, allResponseVectors } from "./testdata/tables.ts";
import type { Vector } from "./testdata/vector.ts";

const rounds = 4_000;
/** So that a damaged head is decided on however it was cut: only an empty line makes a parser look. */
const tail = "\r\n\r\n\r\n\r\n";

/** Bytes that mean something to the grammar come more often than others. */
const telling = Buffer.from('\r\n\t :;,="0159afGx%/?#[]@\x00\x7f\xff', "latin1");

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function damage(raw: string, random: () => number): Buffer {
  const bytes = [...Buffer.from(raw, "latin1")];
  const pick = (): number => telling[Math.floor(random() * telling.length)] ?? 0;
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    const at = Math.floor(random() * bytes.length);
    const way = random();
    if (way < 0.4) bytes[at] = pick();
    else if (way < 0.7) bytes.splice(at, 0, pick());
    else if (way < 0.9) bytes.splice(at, 1);
    else bytes.splice(at, 0, ...bytes.slice(at, at + 12));
  }
  return Buffer.concat([Buffer.from(bytes), Buffer.from(tail)]);
}

function cutRandomly(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + 1 + Math.floor(random() * 9));
    pieces.push(bytes.subarray(at, next));
    at = next;
  }
  return pieces;
}

function summary(head: RequestHead): unknown {
  const { method, path, query, authority, body, contentLength } = head;
  return { method, path, query, authority, body, contentLength };
}

function headsOf(bytes: Buffer): RequestHead[] {
  const heads: RequestHead[] = [];
  const parser: RequestParser = new RequestParser({
    onHead: (head) => heads.push(head),
    onBody() {},
    onMessageEnd: () => parser.next(),
    onError() {},
  });
  parser.push(bytes);
  return heads;
}

function forEachDamaged(
  vectors: readonly Vector[],
  check: (bytes: Buffer, vector: Vector, random: () => number) => void,
) {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = randomFrom(seed);
  for (let round = 0; round < rounds; round++) {
    const vector = vectors[Math.floor(random() * vectors.length)];
    if (vector === undefined || vector.raw.length > 1_000) continue;
    const bytes = damage(vector.raw, random);
    try {
      check(bytes, vector, random);
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(bytes.toString("latin1"))}`, { cause });
    }
  }
}

test("damaged requests mean the same however they are cut", () => {
  let accepted = 0;
  forEachDamaged(allRequestVectors, (bytes, _vector, random) => {
    const whole = recordRequests([bytes]);
    if (whole.some((line) => !line.startsWith("!"))) accepted++;
    expect(recordRequests(cutRandomly(bytes, random))).toEqual(whole);
  });
  expect(accepted).toBeGreaterThan(100);
});

test("damaged responses mean the same however they are cut", () => {
  forEachDamaged(allResponseVectors, (bytes, vector, random) => {
    const whole = recordResponses([bytes], vector);
    expect(recordResponses(cutRandomly(bytes, random), vector)).toEqual(whole);
  });
});

test("an accepted request is read the same way after it was encoded", () => {
  let compared = 0;
  forEachDamaged(allRequestVectors, (bytes) => {
    for (const head of headsOf(bytes)) {
      if (head.form === "authority") continue; // CONNECT ends at this hop
      const out = new ByteWriter();
      encodeRequestHead(out, head, undefined, {});
      const [again] = headsOf(Buffer.from(out.view()));
      expect(again === undefined ? undefined : summary(again)).toEqual(summary(head));
      compared++;
    }
  });
  expect(compared).toBeGreaterThan(100);
});
