/** Who is closed when, and where the others stand then. The order itself is net's, and tested there. */
import { expect, test } from "bun:test";
import { PortOrders } from "./port-orders.ts";

const a = { address: "127.0.0.1", port: 80 };
const b = { address: "::1", port: 80 };

test("the last is closed first, so that those behind move one by one", () => {
  const orders = new PortOrders([]);
  for (const worker of [0, 1, 2]) orders.update(worker, [a]);
  expect([...orders.retirements(a, 2)]).toEqual([
    { worker: 2, targets: [3, 4] },
    { worker: 1, targets: [3, 2] },
    { worker: 0, targets: [1, 2] },
  ]);
  expect([...orders.retirements(a, 0)].map(({ targets }) => targets)).toEqual([[], [], []]);
});

test("a worker that came back stands behind the others", () => {
  const orders = new PortOrders([]);
  for (const worker of [0, 1, 2]) orders.update(worker, [a, b]);
  orders.update(0, []);
  orders.update(0, [a, b]);
  expect([...orders.retirements(b, 1)].map(({ worker }) => worker)).toEqual([0, 1, 2]);
});

test("those of the process before stand first, until they are closed", () => {
  const orders = new PortOrders([{ ...a, count: 2 }]);
  for (const worker of [0, 1, 2]) orders.update(worker, [a]);
  expect(orders.places()).toEqual([{ ...a, count: 3 }]);
  orders.removeOld([{ ...a, count: 2 }]);
  expect([...orders.retirements(a, 1)].map(({ worker }) => worker)).toEqual([0, 2, 1]);
});

test("a place that nobody has is forgotten", () => {
  const orders = new PortOrders([{ ...b, count: 1 }]);
  orders.update(0, [a]);
  orders.update(0, [b]);
  expect(orders.places()).toEqual([{ ...b, count: 1 }]);
});
