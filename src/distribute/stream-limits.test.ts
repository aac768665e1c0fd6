/** One workload and one identity have a bounded number of streams, and get them back. */
import { expect, test } from "bun:test";
import { StreamLimits } from "./stream-limits.ts";

test("streams of a workload are bounded, and end", () => {
  const limits = new StreamLimits();
  const entered = Array.from({ length: 9 }, () => limits.enter("a", "shop/web"));
  expect(entered.map((refusal) => refusal?.code)).toEqual([
    ...Array.from({ length: 8 }, () => undefined),
    "resource_exhausted",
  ]);
  expect(limits.enter("a", "shop/other")).toBeUndefined();
  limits.leave("a", "shop/web");
  expect(limits.enter("a", "shop/web")).toBeUndefined();
});

test("streams of an identity are bounded over all workloads that it makes up", () => {
  const limits = new StreamLimits();
  const refused = Array.from({ length: 5_000 }, (_, i) => limits.enter("a", `shop/w${i}`)).filter(
    (each) => each !== undefined,
  );
  expect(refused).toHaveLength(5_000 - 4_096);
  expect(limits.enter("b", "shop/w4999")).toBeUndefined();
});
