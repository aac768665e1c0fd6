/** The agent of a parent: what it takes on to its workers, and that it acknowledges nothing before they have it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { SuppliedChange } from "./supplied-change.ts";
import { AgentHarness, mesh, outboundKeyOfReviews as key } from "./test/agent-harness.ts";
import { settle, until } from "./test/settle.ts";

let h: AgentHarness;
let carried: SuppliedChange[];
let arrivals: PromiseWithResolvers<void>[];
beforeEach(() => {
  h = new AgentHarness();
  carried = [];
  arrivals = [];
  h.carry = (change) => {
    const arrival = Promise.withResolvers<void>();
    carried.push(change);
    arrivals.push(arrival);
    return arrival.promise;
  };
});
afterEach(() => h.dispose());

const names = (list: readonly { readonly kind: string; readonly name: string }[] = []) =>
  list.map(({ kind, name }) => `${kind} ${name}`).toSorted();

test("a change is acknowledged when it has arrived, and changes in their order", async () => {
  await h.online();
  h.plane.push("Mesh", [mesh("2")]);
  h.plane.commit(2);
  h.plane.push("Mesh", [mesh("3")]);
  h.plane.commit(3);
  await settle();
  expect(carried.map(({ revision }) => revision)).toEqual([1, 2, 3]);
  expect(h.agent.snapshot.revision).toBe(3);
  const answered = (): number => h.plane.sent.filter(({ nonce }) => nonce !== "").length;
  expect(answered()).toBe(0);
  arrivals[2]?.resolve();
  await settle();
  expect(answered()).toBe(0);
  arrivals[0]?.resolve();
  arrivals[1]?.resolve();
  h.clock.advance(60);
  await until(() => answered() >= 6, "all are acknowledged");
  expect(answered()).toBe(6);
});

test("a change is on its way before whoever waited for it is answered", async () => {
  await h.online();
  const seen: number[] = [];
  h.agent.resolveName("nobody.example", 2_000, () => seen.push(carried.length));
  await settle();
  h.plane.push("Name", [], ["nobody.example"]);
  h.plane.commit(2);
  expect(seen).toEqual([2]);
  expect(names(carried[1]?.removals)).toEqual(["Name nobody.example"]);
});

test("what is asked for no more is forgotten there too", async () => {
  await h.withOutbound();
  h.clock.advance(120_000);
  await settle();
  expect(carried.flatMap(({ forgotten }) => names(forgotten))).toContain(`Outbound ${key}`);
});

test("everything is what is known, and what is known not to be there", async () => {
  await h.withOutbound();
  h.agent.resolveName("nobody.example", 2_000, () => {});
  await settle();
  h.plane.push("Name", [], ["nobody.example"]);
  h.plane.commit(3);
  const { revision, upserts, removals } = h.agent.everything();
  expect(revision).toBe(3);
  expect(names(upserts)).toEqual([
    "Cluster shop/reviews:80",
    "Endpoint shop/reviews:80/shop/r1",
    "Mesh mesh",
    `Outbound ${key}`,
  ]);
  expect(names(removals)).toEqual(["Name nobody.example"]);
});
