/** What is kept of request bodies for other tries: each bounded, all together bounded, and given back. */
import { expect, test } from "bun:test";
import { ReplayMemory } from "./replay-memory.ts";
import { RequestBody, type RequestSink } from "./request-body.ts";

const open: RequestSink = { isOpen: true, writeBody: () => true };
const closed: RequestSink = { isOpen: false, writeBody: () => true };
const ten = new Uint8Array(10);

function bodies(maxTogether: number): {
  make: (maxBytes: number) => RequestBody;
  memory: ReplayMemory;
  exhausted: { value: number };
} {
  const exhausted = { value: 0 };
  const memory = new ReplayMemory(maxTogether, exhausted);
  const make = (maxBytes: number): RequestBody => new RequestBody({ maxBytes, memory, paused: { value: 0 } });
  return { make, memory, exhausted };
}

test("one body is kept up to its own bound, and then not at all", () => {
  const { make, memory } = bodies(1_000);
  const body = make(25);
  body.push(ten, open);
  body.push(ten, open);
  expect([body.isReplayable, memory.usedBytes]).toEqual([true, 20]);
  body.push(ten, open);
  expect([body.isReplayable, memory.usedBytes, body.byteLength]).toEqual([false, 0, 30]);
  body.push(ten, open);
  expect(memory.usedBytes).toBe(0);
});

test("all bodies together have a bound: the one that passes it goes on and is not kept", () => {
  const { make, memory, exhausted } = bodies(25);
  const [first, second] = [make(100), make(100)];
  first.push(ten, open);
  first.push(ten, open);
  expect(second.push(ten, open)).toBe(true);
  expect([first.isReplayable, second.isReplayable, exhausted.value]).toEqual([true, false, 1]);
  first.forget();
  first.forget();
  expect(memory.usedBytes).toBe(0);
  const third = make(100);
  third.push(ten, open);
  expect(third.isReplayable).toBe(true);
});

test("what nobody has taken yet is kept whatever the bounds, with its sender paused", () => {
  const { make, memory } = bodies(5);
  const body = make(5);
  expect(body.push(ten, closed)).toBe(false);
  expect([body.isReplayable, memory.usedBytes]).toEqual([true, 10]);
  body.forget();
  expect(memory.usedBytes).toBe(0);
});
