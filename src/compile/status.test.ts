/** A status is written on transitions only, and others' parts of it stay. */
import { expect, test } from "bun:test";
import { mergeStatus, type StatusUpdate } from "./status.ts";

const controller = "weft.dev/gateway-controller";
const parentRef = { kind: "Service", group: "", name: "web" };

function update(status: "True" | "False", observedGeneration = 1): StatusUpdate {
  const condition = { type: "Accepted", status, reason: "R", message: "" };
  return {
    kind: "HTTPRoute",
    namespace: "default",
    name: "r",
    observedGeneration,
    status: { kind: "route", parents: [{ parentRef, conditions: [condition] }] },
  };
}

const since = (status: unknown): string =>
  JSON.stringify(status).match(/"lastTransitionTime":"(?<time>[^"]+)"/)?.groups?.["time"] ?? "";

test("a status that says the same already is not written", () => {
  const first = mergeStatus(undefined, update("True"), controller, "t1");
  expect(since(first)).toBe("t1");
  expect(mergeStatus(first, update("True"), controller, "t2")).toBeUndefined();
});

test("the time of a transition moves with the status only", () => {
  const first = mergeStatus(undefined, update("True"), controller, "t1");
  const second = mergeStatus(first, update("True", 2), controller, "t2");
  expect(since(second)).toBe("t1");
  expect(since(mergeStatus(second, update("False", 2), controller, "t3"))).toBe("t3");
});

test("other controllers' parents stay", () => {
  const foreign = { parentRef, controllerName: "example.com/other", conditions: [] };
  const merged = mergeStatus({ parents: [foreign] }, update("True"), controller, "t1");
  expect(merged?.["parents"]).toHaveLength(2);
  expect(merged?.["parents"]).toContainEqual(foreign);
});

test("a parent that the route no longer names goes", () => {
  const first = mergeStatus(undefined, update("True"), controller, "t1");
  const none: StatusUpdate = { ...update("True"), status: { kind: "route", parents: [] } };
  expect(mergeStatus(first, none, controller, "t2")).toEqual({ parents: [] });
});

test("other controllers' ancestors of a policy stay, and its own keep the time of their transitions", () => {
  const ancestorRef = { group: "", kind: "Service", namespace: "default", name: "web" };
  const policy = (status: "True" | "False"): StatusUpdate => ({
    ...update(status),
    kind: "TrafficPolicy",
    status: {
      kind: "policy",
      ancestors: [{ ancestorRef, conditions: [{ type: "Accepted", status, reason: "R", message: "" }] }],
    },
  });
  const foreign = { ancestorRef, controllerName: "example.com/other", conditions: [] };
  const first = mergeStatus({ ancestors: [foreign] }, policy("True"), controller, "t1");
  expect(first?.["ancestors"]).toHaveLength(2);
  expect(mergeStatus(first, policy("True"), controller, "t2")).toBeUndefined();
  expect(since(mergeStatus(first, policy("False"), controller, "t3"))).toBe("t3");
});

test("what else stands in a status stays", () => {
  const gateway: StatusUpdate = {
    kind: "Gateway",
    namespace: "default",
    name: "g",
    observedGeneration: 1,
    status: { kind: "gateway", conditions: [], listeners: [] },
  };
  expect(mergeStatus({ addresses: [1] }, gateway, controller, "t")).toEqual({
    addresses: [1],
    conditions: [],
    listeners: [],
  });
});
