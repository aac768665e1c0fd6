/** The bound of the table, against a list in the order of use. */
import { expect, test } from "bun:test";
import { BucketTable } from "./bucket-table.ts";

test("a full table lets the one go that was unused longest", () => {
  const gone: string[] = [];
  const table = new BucketTable<string>(3, (value) => void gone.push(value));
  for (const id of ["a", "b", "c"]) table.add(id, id.toUpperCase());
  expect(table.get("a")).toBe("A");
  table.add("d", "D");
  expect(gone).toEqual(["B"]);
  expect(table.get("b")).toBeUndefined();
  expect(table.get("c")).toBe("C");
  table.add("e", "E");
  table.add("f", "F");
  expect(gone).toEqual(["B", "A", "D"]);
  expect(table.size).toBe(3);
});

test("does what a list in the order of use does", () => {
  let seed = 11;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const gone: number[] = [];
  const expected: number[] = [];
  const table = new BucketTable<number>(7, (value) => void gone.push(value));
  let order: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const id = random(14);
    const known = order.includes(id);
    expect([table.get(String(id))]).toEqual([known ? id : undefined]);
    if (!known) {
      table.add(String(id), id);
      if (order.length === 7) expected.push(order.shift() ?? -1);
    }
    order = [...order.filter((each) => each !== id), id];
  }
  expect(gone).toEqual(expected);
  expect(gone.length).toBeGreaterThan(1_000);
});
