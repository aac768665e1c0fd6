/** One user's loop against everybody else. */
import { expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { UidRates } from "./uid-rates.ts";

test("a user may ask in a burst, then at a pace, and others notice nothing", () => {
  const clock = new VirtualClock();
  const rates = new UidRates(clock);
  const many = (uid: number, count: number): string[] => Array.from({ length: count }, () => rates.take(uid));
  expect(new Set(many(1, 64))).toEqual(new Set(["taken"]));
  expect(many(1, 3)).toEqual(["first_refused", "refused", "refused"]);
  expect(rates.take(2)).toBe("taken");
  clock.advance(1_000);
  // It is not said again while the loop goes on.
  expect(many(1, 10)).toEqual([...Array.from({ length: 8 }, () => "taken"), "refused", "refused"]);
  clock.advance(60_000);
  expect(many(1, 65).at(-1)).toBe("first_refused");
});

test("only so many users are remembered, and who is quiet is forgotten", () => {
  const clock = new VirtualClock();
  const rates = new UidRates(clock);
  for (let uid = 0; uid < 4_096; uid++) expect(rates.take(uid)).toBe("taken");
  expect(rates.take(5_000)).toBe("refused");
  clock.advance(1_000);
  expect(rates.take(5_000)).toBe("taken");
});
