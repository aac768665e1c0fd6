/** Order, errors and the bound of work that is done in turn. */
import { expect, test } from "bun:test";
import { Turns } from "./turns.ts";

test("each begins when the one before has ended, also by an error, which is its caller's alone", async () => {
  const turns = new Turns();
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = turns.take(async () => {
    told.push("one begins");
    await first.promise;
    throw new Error("one fails");
  });
  const two = turns.take(async () => {
    told.push("two begins");
    return 2;
  });
  await Promise.resolve();
  expect(told).toEqual(["one begins"]);
  first.resolve();
  await expect(one).rejects.toThrow("one fails");
  expect(await two).toBe(2);
});

test("more than the bound are refused, and there is room again when one has ended", async () => {
  const turns = new Turns({ max: 2, what: "plans" });
  const held = Promise.withResolvers<void>();
  const running = [turns.take(() => held.promise), turns.take(() => held.promise)];
  await expect(turns.take(async () => {})).rejects.toMatchObject({
    code: "exhausted",
    message: "2 plans are waiting already",
  });
  held.resolve();
  await Promise.all(running);
  expect(await turns.take(async () => "done")).toBe("done");
});
