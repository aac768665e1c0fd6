/** When code is let go: at first, where much has come that was not in use, and else seldom. */
import { expect, test } from "bun:test";
import { ShedChoice } from "./shed-choice.ts";

const mb = 2 ** 20;

function answersTo(residentMb: readonly number[]): readonly boolean[] {
  const choice = new ShedChoice();
  return residentMb.map((each) => choice.isDue(each * mb));
}

test("at first", () => {
  expect(answersTo([40])).toEqual([true]);
});

test("not while no more is there than was in use right behind", () => {
  expect(answersTo([40, 9, 10, 11, 8, 9])).toEqual([true, false, false, false, false, false]);
});

test("where more has come, however often that is", () => {
  expect(answersTo([40, 9, 14, 9, 10, 30, 9])).toEqual([true, false, true, false, false, true, false]);
});

test("now and then even where nothing comes", () => {
  const answers = answersTo([40, ...Array.from({ length: 42 }, () => 9)]);
  expect(answers.flatMap((isDue, look) => (isDue ? [look] : []))).toEqual([0, 21, 42]);
});
