/** Subscriptions on demand: who waits, the limit, idleness. */
import { beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { type DemandName, Demands } from "./demands.ts";

let clock = new VirtualClock();
let added: string[] = [];
let ended: string[] = [];
let unknown = new Set<string>();
let demands: Demands;
const make = (limit: number): Demands =>
  new Demands({
    clock,
    limit,
    idleMs: () => 60_000,
    isKnown: ({ key }) => (unknown.has(key) ? "unknown" : "known"),
    onAdded: ({ key }) => void added.push(key),
    onEnded: (names) => void ended.push(...names.map(({ key }) => key)),
  });
const outbound = (key: string): DemandName => ({ kind: "Outbound", key });
beforeEach(() => {
  clock = new VirtualClock();
  added = [];
  ended = [];
  unknown = new Set();
  demands = make(16);
});

test("what is declared is asked for at once, once, and ends neither for being idle nor for want of room", () => {
  demands.use(outbound("restored"));
  demands.declare(outbound("restored"));
  demands.declare(outbound("new"));
  expect(added).toEqual(["restored", "new"]);
  for (let i = 0; i < 20; i++) demands.use(outbound(`other-${i}`));
  clock.advance(300_000);
  expect(demands.keys("Outbound")).toEqual(["restored", "new"]);
  expect(demands.size).toBe(2);
});

describe("a wait", () => {
  test("asks once however many wait, and answers each of them once", () => {
    const answers: string[] = [];
    for (const who of ["a", "b"])
      demands.wait(outbound("x"), 2000, (outcome) => void answers.push(`${who}:${outcome}`));
    expect(added).toEqual(["x"]);
    expect(answers).toEqual([]);
    demands.settle([outbound("x")]);
    demands.settle([outbound("x")]);
    clock.advance(10_000);
    expect(answers).toEqual(["a:answered", "b:answered"]);
  });

  test("ends at its deadline, and the subscription stays for the next", () => {
    const answers: string[] = [];
    demands.wait(outbound("x"), 2000, (outcome) => void answers.push(outcome));
    clock.advance(1999);
    expect(answers).toEqual([]);
    clock.advance(1);
    expect(answers).toEqual(["unavailable"]);
    expect(demands.keys("Outbound")).toEqual(["x"]);
    demands.settle([outbound("x")]);
    expect(answers.length).toBe(1);
  });

  test("that is cancelled is never called", () => {
    let calls = 0;
    demands.wait(outbound("x"), 2000, () => void calls++)?.cancel();
    demands.settle([outbound("x")]);
    clock.advance(10_000);
    expect(calls).toBe(0);
  });

  test("may wait anew from its own callback without being answered again", () => {
    const answers: string[] = [];
    demands.wait(outbound("x"), 2000, () => {
      answers.push("first");
      demands.wait(outbound("x"), 2000, (outcome) => void answers.push(outcome));
    });
    demands.settle([outbound("x")]);
    expect(answers).toEqual(["first"]);
    demands.close();
    expect(answers).toEqual(["first", "unavailable"]);
  });

  test("is not mixed up with the same key of another kind", () => {
    const answers: string[] = [];
    demands.wait({ kind: "Address", key: "10.0.0.1" }, 2000, () => void answers.push("address"));
    demands.settle([{ kind: "Name", key: "10.0.0.1" }]);
    expect(answers).toEqual([]);
  });
});

describe("at the limit", () => {
  test("the unknown go first, then those unused for longest", () => {
    demands = make(3);
    for (const key of ["a", "b", "c"]) {
      demands.use(outbound(key));
      clock.advance(10);
    }
    unknown.add("c");
    demands.use(outbound("d"));
    expect(ended).toEqual(["c"]);
    demands.touch("Outbound", "a");
    demands.use(outbound("e"));
    expect(ended).toEqual(["c", "b"]);
    expect(demands.size).toBe(3);
  });

  test("what somebody waits for is kept, and one too many is told so at once", () => {
    demands = make(2);
    demands.wait(outbound("a"), 2000, () => {});
    demands.wait(outbound("b"), 2000, () => {});
    const answers: string[] = [];
    demands.wait(outbound("c"), 2000, (outcome) => void answers.push(outcome));
    expect(answers).toEqual(["unavailable"]);
    expect(added).toEqual(["a", "b"]);
  });

  test("several are given up together, so that not every new one costs a swap", () => {
    demands = make(160);
    for (let i = 0; i < 161; i++) demands.use(outbound(`k${i}`));
    expect(ended.length).toBe(10);
    expect(demands.size).toBe(151);
  });
});

describe("idle", () => {
  test("ones end, used ones and awaited ones stay", () => {
    demands.use(outbound("idle"));
    demands.use(outbound("used"));
    for (let i = 0; i < 8; i++) {
      clock.advance(15_000);
      demands.touch("Outbound", "used");
    }
    expect(ended).toEqual(["idle"]);
    demands.wait(outbound("awaited"), 3_600_000, () => {});
    clock.advance(120_000);
    expect(demands.keys("Outbound")).toEqual(["awaited"]);
  });

  test("ones ask again when they are wanted again", () => {
    demands.use(outbound("x"));
    clock.advance(120_000);
    demands.use(outbound("x"));
    expect(added).toEqual(["x", "x"]);
  });
});
