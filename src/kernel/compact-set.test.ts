/** Few members and many behave alike. */
import { expect, test } from "bun:test";
import { type CompactSet, removeMember, withMember } from "./compact-set.ts";

test.each([1, 8, 9, 40])("a set of %p members has each of them once, and tells when it has none", (count) => {
  const numbers = Array.from({ length: count }, (_, index) => index);
  let members: CompactSet<number> = [];
  for (const number of [...numbers, ...numbers]) members = withMember(members, number);
  expect([...members]).toEqual(numbers);
  expect(Array.isArray(members)).toBe(count <= 8);
  expect(removeMember(members, -1)).toBe(false);
  const lasts = numbers.map((number) => removeMember(members, number));
  expect(lasts.indexOf(true)).toBe(count - 1);
  expect(removeMember(members, 0)).toBe(false);
});
