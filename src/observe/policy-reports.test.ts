/** What proxies report of policies: kept within bounds, of themselves only. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../kernel/index.ts";
import { TelemetryReportSchema } from "../wire/index.ts";
import { PlaintextCallers } from "./plaintext-callers.ts";
import { PolicyTotals } from "./policy-totals.ts";
import { Refusals } from "./refusals.ts";

const reporter = "spiffe://mesh/ns/shop/sa/web";
const report = (init: MessageInitShape<typeof TelemetryReportSchema>) =>
  create(TelemetryReportSchema, { proxy: "shop/web-1", ...init });

test("refusals are found by the request's id, the newest first, and the oldest go", () => {
  const refusals = new Refusals(3);
  for (const requestId of ["a", "b", "a", "c"]) {
    refusals.add(
      report({ refusals: [{ requestId, rule: `${requestId}!`, path: "/x".repeat(2_000) }] }),
      reporter,
    );
  }
  expect(refusals.list(undefined).map(({ refusal }) => refusal.requestId)).toEqual(["c", "a", "b"]);
  expect(refusals.list("a")).toHaveLength(1);
  expect(refusals.list("a")[0]).toMatchObject({ proxy: "shop/web-1" });
  expect(refusals.list("a")[0]?.refusal.path).toHaveLength(1_024);
});

test("nobody speaks for a workload of another namespace", () => {
  const refusals = new Refusals();
  const callers = new PlaintextCallers(new VirtualClock());
  const forged = report({
    proxy: "bank/vault",
    refusals: [{ requestId: "a" }],
    plaintextCallers: [{ address: "10.0.0.1", port: 80, count: 1n }],
  });
  for (const reader of [refusals, callers])
    for (const each of [reporter, "", "shop"]) reader.add(forged, each);
  expect([refusals.list(undefined).length, callers.list().length]).toEqual([0, 0]);
});

test("callers in plaintext are summed up, and beyond the bound the one unseen for longest goes", () => {
  const clock = new VirtualClock();
  const callers = new PlaintextCallers(clock, 2);
  const add = (address: string): void =>
    callers.add(report({ plaintextCallers: [{ address, port: 80, count: 2n }] }), reporter);
  add("10.0.0.1");
  add("10.0.0.2");
  clock.advance(1_000);
  add("10.0.0.1");
  add("10.0.0.3");
  expect(callers.list()).toEqual([
    { workload: "shop/web-1", port: 80, address: "10.0.0.3", connections: 2, lastMs: clock.nowMs() },
    { workload: "shop/web-1", port: 80, address: "10.0.0.1", connections: 4, lastMs: clock.nowMs() },
  ]);
});

test("decisions of all proxies are summed up, within bounds", () => {
  const totals = new PolicyTotals(2);
  const add = (policy: string, count: bigint, verdict = "denied", proxy = "shop/web-1"): void =>
    totals.add(report({ proxy, policies: [{ policy, rule: "r", verdict, count }] }), reporter);
  add("P shop/a", 2n);
  add("P shop/a", 3n, "denied", "shop/web-2");
  add("P shop/b", 1n, "allowed");
  add("P shop/c", 4n);
  add("P shop/d", 5n);
  add("P shop/a", 100n, "made up");
  add("P bank/a", 100n, "denied", "bank/vault");
  expect([...totals.samples()]).toEqual([
    { labels: { policy: "P shop/a", rule: "r", verdict: "denied" }, value: 5 },
    { labels: { policy: "P shop/b", rule: "r", verdict: "allowed" }, value: 1 },
    { labels: { policy: "other", rule: "", verdict: "denied" }, value: 9 },
  ]);
});
