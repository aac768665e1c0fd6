/** A budget over virtual time: its share, its least number, and how fast it comes back. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { RetryBudgetSchema } from "../model/index.ts";
import { RetryBudget } from "./retry-budget.ts";

function budget(percent: number, minPerSecond: number): RetryBudget {
  return new RetryBudget(create(RetryBudgetSchema, { percent, minPerSecond }));
}

/** How many of `wanted` are given at one moment. */
function taken(from: RetryBudget, nowUs: number, wanted = 1_000): number {
  let count = 0;
  for (let i = 0; i < wanted; i++) if (from.takeRetry(nowUs)) count++;
  return count;
}

describe("a retry budget", () => {
  test("is 20 percent and at least ten a second where nobody says", () => {
    const given = new RetryBudget(undefined);
    expect(taken(given, 0)).toBe(10);
    for (let i = 0; i < 100; i++) given.addRequest(0);
    expect(taken(given, 0)).toBe(10);
    expect(taken(given, 2_000_000)).toBe(10);
  });

  test("counts the last second only", () => {
    const given = budget(20, 0);
    for (let i = 0; i < 100; i++) given.addRequest(0);
    expect(taken(given, 0)).toBe(20);
    expect(taken(given, 950_000)).toBe(0);
    expect(taken(given, 1_000_000)).toBe(0);
    for (let i = 0; i < 50; i++) given.addRequest(1_000_000);
    expect(taken(given, 1_050_000)).toBe(10);
  });

  test("comes back tenth by tenth", () => {
    const given = budget(0, 10);
    for (let slot = 0; slot < 10; slot++) expect(taken(given, slot * 100_000, 1)).toBe(1);
    expect(taken(given, 999_999)).toBe(0);
    expect(taken(given, 1_000_000)).toBe(1);
    expect(taken(given, 1_200_000)).toBe(2);
  });

  test("of nothing gives nothing", () => {
    const given = budget(0, 0);
    for (let i = 0; i < 100; i++) given.addRequest(0);
    expect(taken(given, 0)).toBe(0);
  });

  test("survives long silence and time that goes back", () => {
    const given = budget(0, 5);
    expect(taken(given, 5e15)).toBe(5);
    expect(taken(given, 0)).toBe(0);
    expect(taken(given, 6e15)).toBe(5);
  });

  test("holds 20 percent over any second of an outage in which everything is wanted twice more", () => {
    const given = budget(20, 10);
    let requests = 0;
    let retries = 0;
    for (let us = 0; us < 10_000_000; us += 1_000) {
      given.addRequest(us);
      requests++;
      // The outage begins after five good seconds.
      if (us >= 5_000_000) retries += taken(given, us, 2);
    }
    const inOutage = requests / 2;
    expect(retries / inOutage).toBeGreaterThan(0.19);
    expect(retries / inOutage).toBeLessThan(0.25);
  });
});
