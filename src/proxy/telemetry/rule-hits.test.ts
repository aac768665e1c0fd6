/** Rules of routes are counted where they stand, across changes of configuration, and within a bound. */
import { expect, test } from "bun:test";
import { RuleHits } from "./rule-hits.ts";

const rule = (section: string) => ({ kind: "HTTPRoute", route: "shop/web", section });

test("a rule that comes with a new configuration goes on where it was, and is reported by difference", () => {
  const hits = new RuleHits();
  const first = rule("canary");
  hits.count(first);
  hits.count(first);
  hits.count(rule("rules[1]"));
  expect(hits.take().map(({ kind, route, rule, count }) => [kind, route, rule, Number(count)])).toEqual([
    ["HTTPRoute", "shop/web", "canary", 2],
    ["HTTPRoute", "shop/web", "rules[1]", 1],
  ]);
  hits.count(rule("canary"));
  expect(hits.take().map(({ count }) => Number(count))).toEqual([1]);
  expect(hits.take()).toEqual([]);
  expect([...hits.samples()].map(({ value }) => value)).toEqual([3, 1]);
});

test("rules beyond the bound are counted together", () => {
  const hits = new RuleHits(3);
  for (let i = 0; i < 10; i++) hits.count(rule(`rules[${i}]`));
  expect([...hits.samples()].at(-1)).toMatchObject({
    labels: { kind: "", route: "other", rule: "" },
    value: 7,
  });
});
