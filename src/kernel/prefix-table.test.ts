/** Prefixes by address, against looking at each of them. */
import { expect, test } from "bun:test";
import { parseIp, Prefix } from "./address.ts";
import { PrefixTable } from "./prefix-table.ts";

function prefix(text: string): Prefix {
  const parsed = Prefix.parse(text);
  if (parsed === undefined) throw new Error(`${text} is no prefix`);
  return parsed;
}

function bytes(text: string): Uint8Array {
  return parseIp(text) ?? new Uint8Array(0);
}

const texts = [
  "0.0.0.0/0",
  "10.0.0.0/8",
  "10.64.0.0/10",
  "10.77.0.0/16",
  "10.77.3.4/32",
  "192.0.2.128/25",
  "2001:db8::/32",
  "2001:db8:8000::/33",
  "2001:db8::1/128",
];

test("finds every prefix that holds an address, the longest first", () => {
  const table = new PrefixTable<Prefix>();
  for (const text of texts) table.set(prefix(text), prefix(text));
  for (const address of [
    "10.77.3.4",
    "10.77.3.5",
    "192.0.2.127",
    "192.0.2.200",
    "2001:db8::1",
    "2001:db8:8000::",
    "fd77::1",
  ]) {
    const naive = texts
      .map(prefix)
      .filter((each) => each.contains(bytes(address)))
      .toSorted((a, b) => b.bits - a.bits);
    expect([...table.matches(bytes(address))].map(String)).toEqual(naive.map(String));
    expect(table.has(bytes(address))).toBe(naive.length > 0);
  }
});

test("what was taken out is not found, what is left is", () => {
  const table = new PrefixTable<string>();
  table.set(prefix("10.0.0.0/8"), "a");
  table.set(prefix("11.0.0.0/8"), "b");
  table.delete(prefix("10.0.0.0/8"));
  table.delete(prefix("12.0.0.0/8"));
  expect([table.has(bytes("10.1.1.1")), table.get(prefix("11.0.0.0/8"))]).toEqual([false, "b"]);
  table.delete(prefix("11.0.0.0/8"));
  expect([...table.matches(bytes("11.1.1.1"))]).toEqual([]);
});
