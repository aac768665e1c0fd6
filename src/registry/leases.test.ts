/** Leases on a virtual clock: expiry, restart, and the freeze when many go silent at once. */
import { beforeEach, describe, expect, test } from "bun:test";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { Leases } from "./leases.ts";

let clock = new VirtualClock();
let changed: string[] = [];
let forgotten: string[] = [];
let leases: Leases;
beforeEach(() => {
  clock = new VirtualClock();
  changed = [];
  forgotten = [];
  leases = new Leases({
    clock,
    log: silentLog,
    leaseMs: 5000,
    onChange: (paths) => void changed.push(...paths),
    onForgotten: (paths) => void forgotten.push(...paths),
  });
});

const lostOf = (...paths: string[]): string[] => paths.filter((path) => leases.isLost(path));

describe("a lease", () => {
  test("starts when the stream ends and runs out after its time", () => {
    leases.connected("a/x");
    clock.advance(60_000);
    leases.disconnected("a/x");
    clock.advance(4999);
    expect(leases.isLost("a/x")).toBe(false);
    clock.advance(1);
    expect(leases.isLost("a/x")).toBe(true);
    expect(changed).toEqual(["a/x", "a/x", "a/x"]);
  });

  test("does not run out while proxies are turned away, and does once they are not", () => {
    leases.connected("a/x");
    leases.disconnected("a/x");
    clock.advance(4999);
    leases.hold();
    clock.advance(4999);
    expect(leases.isLost("a/x")).toBe(false);
    clock.advance(5002);
    expect(leases.isLost("a/x")).toBe(true);
  });

  test("does not run out where the stream is back in time, and it comes back to life later", () => {
    leases.connected("a/x");
    leases.disconnected("a/x");
    clock.advance(4000);
    leases.connected("a/x");
    clock.advance(60_000);
    expect(leases.isLost("a/x")).toBe(false);
    leases.disconnected("a/x");
    clock.advance(6000);
    expect(leases.isLost("a/x")).toBe(true);
    leases.connected("a/x");
    expect(leases.isLost("a/x")).toBe(false);
  });

  test("is held by the new stream when the old one ends after it opened", () => {
    leases.connected("a/x");
    leases.connected("a/x");
    leases.disconnected("a/x");
    clock.advance(60_000);
    expect(leases.isLost("a/x")).toBe(false);
    expect(leases.isConnected("a/x")).toBe(true);
    expect(changed).toEqual(["a/x"]);
  });

  test("is renewed by a registration alone, for its time", () => {
    leases.renew("a/x");
    clock.advance(4000);
    leases.renew("a/x");
    clock.advance(4000);
    expect(leases.isLost("a/x")).toBe(false);
    clock.advance(1000);
    expect(leases.isLost("a/x")).toBe(true);
  });

  test("is not given to somebody of whom nothing was heard", () => {
    expect(leases.isLost("a/never")).toBe(true);
    leases.disconnected("a/never");
    clock.advance(600_000);
    expect([changed, forgotten]).toEqual([[], []]);
  });

  test("that is long lost is forgotten once", () => {
    leases.renew("a/x");
    clock.advance(5000 + 600_000);
    expect(forgotten).toEqual(["a/x"]);
    clock.advance(3_600_000);
    expect(forgotten).toEqual(["a/x"]);
  });

  test("whose end comes after its workload left leaves nothing behind", () => {
    leases.connected("a/x");
    leases.forget("a/x");
    expect(leases.isLost("a/x")).toBe(true);
    leases.disconnected("a/x");
    leases.renew("a/x");
    expect(leases.isLost("a/x")).toBe(false);
  });

  test("comes back with a second stream where the first belongs to a workload that left", () => {
    leases.connected("a/x");
    leases.forget("a/x");
    leases.connected("a/x");
    expect(leases.isLost("a/x")).toBe(false);
  });

  test("of another length holds for those that start after the change", () => {
    leases.renew("a/x");
    leases.setLeaseMs(20_000);
    leases.renew("a/y");
    clock.advance(10_000);
    expect(lostOf("a/x", "a/y")).toEqual(["a/x"]);
  });
});

describe("after a restart", () => {
  test("everybody is alive for one period without a sign to anybody, except who was lost before", () => {
    leases.adopt("a/x", false);
    leases.adopt("a/dead", true);
    expect(lostOf("a/x", "a/dead")).toEqual(["a/dead"]);
    expect(changed).toEqual([]);
    clock.advance(5000);
    expect(changed).toEqual(["a/x"]);
  });

  test("who was lost before is forgotten after a while, and who came back is not", () => {
    leases.adopt("a/dead", true);
    leases.adopt("a/back", true);
    leases.connected("a/back");
    clock.advance(600_000);
    expect(forgotten).toEqual(["a/dead"]);
  });
});

describe("when many go silent at once", () => {
  const names = Array.from({ length: 10 }, (_, i) => `a/w${i}`);
  const silence = (count: number): void => {
    for (const name of names) leases.connected(name);
    for (const name of names.slice(0, count)) leases.disconnected(name);
    changed = [];
  };

  test("three of ten are lost, since that is no more than the share", () => {
    silence(3);
    clock.advance(5000);
    expect(lostOf(...names)).toEqual(names.slice(0, 3));
    expect(leases.isFrozen).toBe(false);
  });

  test("four of ten are kept for as long as it lasts", () => {
    silence(4);
    clock.advance(3_600_000);
    expect(lostOf(...names)).toEqual([]);
    expect(leases.isFrozen).toBe(true);
    expect(changed).toEqual([]);
  });

  test("those that stay silent are lost once enough are back", () => {
    silence(6);
    clock.advance(60_000);
    for (const name of names.slice(0, 3)) leases.connected(name);
    clock.advance(0);
    expect(leases.isFrozen).toBe(false);
    expect(lostOf(...names)).toEqual(names.slice(3, 6));
  });

  test("one that leaves counts no more", () => {
    silence(4);
    clock.advance(60_000);
    for (const name of names.slice(0, 2)) leases.forget(name);
    clock.advance(0);
    expect(lostOf(...names.slice(2))).toEqual(names.slice(2, 4));
  });

  test("one of two is lost, since so few are no sign", () => {
    leases.connected("a/x");
    leases.connected("a/y");
    leases.disconnected("a/x");
    clock.advance(5000);
    expect(lostOf("a/x", "a/y")).toEqual(["a/x"]);
  });

  test("those whose time is not up yet count too, so that a slow cut is seen as well", () => {
    for (const name of names) leases.connected(name);
    for (const name of names.slice(0, 6)) {
      leases.disconnected(name);
      clock.advance(800);
    }
    clock.advance(10_000);
    expect(lostOf(...names)).toEqual([]);
  });
});

test("a closed registry has no timer left", () => {
  leases.renew("a/x");
  leases.close();
  clock.advance(60_000);
  expect(leases.isLost("a/x")).toBe(false);
});
