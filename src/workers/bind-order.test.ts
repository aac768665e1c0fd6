/** The order in which listeners stand at a place, followed as the kernel keeps it. */
import { expect, test } from "bun:test";
import { BindOrder } from "./bind-order.ts";

const a = { address: "127.0.0.1", port: 80 };
const b = { address: "::1", port: 80 };

test("who binds is the last; when one goes, the last takes its place", () => {
  const order = new BindOrder();
  for (const worker of [0, 1, 2]) order.update(worker, [a, b]);
  expect(order.at(a)).toEqual([0, 1, 2]);
  order.update(0, []);
  expect(order.at(a)).toEqual([2, 1]);
  order.update(0, [a]);
  expect(order.at(a)).toEqual([2, 1, 0]);
  expect(order.at(b)).toEqual([2, 1]);
  order.update(0, []);
  expect(order.at(a)).toEqual([2, 1]);
});

test("a place that nobody has is forgotten", () => {
  const order = new BindOrder();
  order.update(0, [a]);
  order.update(0, [b]);
  expect(order.places()).toEqual([b]);
});

test("closing those before turns the order round", () => {
  const order = new BindOrder();
  for (const worker of [0, 1, 2]) order.update(worker, [a]);
  order.rotate(a, 2);
  expect(order.at(a)).toEqual([1, 2, 0]);
});
