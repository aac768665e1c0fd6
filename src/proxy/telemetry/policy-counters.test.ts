/** What is counted of policies, refusals and plaintext callers stays within its bound, and nothing is reported twice. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { AuthorizationPolicySchema, type Source } from "../../model/index.ts";
import { RefusalSchema } from "../../wire/index.ts";
import { PlaintextCallers } from "./plaintext-callers.ts";
import { PolicyCounters } from "./policy-counters.ts";
import { RecentRefusals } from "./refusals.ts";

function source(name: string): Source {
  const policy = create(AuthorizationPolicySchema, {
    source: { kind: "AuthorizationPolicy", namespace: "a", name },
  });
  if (policy.source === undefined) throw new Error("a policy without a source");
  return policy.source;
}

test("policies beyond the bound are counted together", () => {
  const counters = new PolicyCounters(3);
  for (let i = 0; i < 10; i++) counters.count(source(`p${i}`), "rules[0]", "denied");
  const samples = [...counters.samples()];
  expect(samples).toHaveLength(4);
  expect(samples.at(-1)).toMatchObject({
    labels: { policy: "other", rule: "", verdict: "denied" },
    value: 7,
  });
});

test("a policy that comes with a new configuration goes on where it was, and is reported by difference", () => {
  const counters = new PolicyCounters();
  const first = source("p");
  counters.count(first, "rules[0]", "denied");
  counters.count(first, "rules[0]", "denied");
  expect(counters.take().map(({ count }) => Number(count))).toEqual([2]);
  counters.count(source("p"), "rules[0]", "denied");
  expect(counters.take().map(({ count }) => Number(count))).toEqual([1]);
  expect(counters.take()).toEqual([]);
});

test("of refusals the newest are kept", () => {
  const refusals = new RecentRefusals(3);
  for (const requestId of ["a", "b", "c", "d"]) refusals.add(create(RefusalSchema, { requestId }));
  expect(refusals.all().map(({ requestId }) => requestId)).toEqual(["d", "c", "b"]);
  expect([refusals.find("a"), refusals.find("c")?.requestId]).toEqual([undefined, "c"]);
  expect(refusals.take()).toHaveLength(4);
  for (let i = 0; i < 100; i++) refusals.add(create(RefusalSchema, { requestId: "e" }));
  expect(refusals.take()).toHaveLength(64);
  expect(refusals.take()).toEqual([]);
});

test("callers beyond the bound are counted together for their port", () => {
  const callers = new PlaintextCallers(2);
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.4"])
    callers.count(address, 80);
  expect(callers.take().map(({ address, count }) => [address, Number(count)])).toEqual([
    ["10.0.0.1", 2],
    ["10.0.0.2", 1],
    ["", 2],
  ]);
  expect(callers.take()).toEqual([]);
});
