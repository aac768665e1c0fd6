/** Tests of requests made from what the oracle foretells: each must pass, and with one expectation changed fail at that one alone. */
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import type { SimulatedMesh } from "../../../src/simulate/index.ts";
import { type Applied, overlaid } from "./applied.ts";
import { circumstances, type Comparison, world } from "./compare-simulation.ts";
import { expectedOf, mutate } from "./expected.ts";
import { foretell } from "./foretell.ts";
import { least } from "./least.ts";
import { randomCase } from "./random-case.ts";
import { simulatedMesh, storedObjects } from "./simulated.ts";
import { type JudgedTest, misjudged } from "./judged-test.ts";
import { testText } from "./test-file.ts";
import { imaginedWorld } from "./world.ts";

/** Of `kinds`: which expectations passed, and which were mutated and failed. */
export function compareTests(pairs: number, seed: number): Comparison {
  const random = seededRandom(seed);
  const kinds = new Map<string, number>();
  let done = 0;
  let different = 0;
  let difference: string | undefined;
  while (done < pairs) {
    const { objects, questions } = randomCase(random, imaginedWorld);
    const asked = questions.slice(0, pairs - done);
    done += asked.length;
    const right: JudgedTest[] = [];
    const wrong: JudgedTest[] = [];
    for (const question of asked) {
      const foretold = foretell(overlaid(world, objects), question, circumstances);
      const expected = expectedOf(random, question, foretold);
      const mutated = mutate(random, question, foretold, expected);
      right.push({ question, expected, wrong: undefined });
      wrong.push({ question, expected: mutated.expected, wrong: mutated.field });
      for (const field of expected.keys()) add(kinds, field);
      add(kinds, `${mutated.field} changed`);
    }
    const mesh = meshOf(objects);
    for (const tests of [right, wrong]) {
      const judged = misjudged(mesh, tests);
      different += judged.length;
      const [first] = judged;
      if (first !== undefined) difference ??= shrunk(objects, first.test);
    }
  }
  return { pairs: done, kinds, different, difference };
}

function add(kinds: Map<string, number>, kind: string): void {
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
}

function meshOf(objects: readonly Applied[]): SimulatedMesh {
  return simulatedMesh(storedObjects(overlaid(world, objects)), circumstances);
}

function shrunk(objects: readonly Applied[], test: JudgedTest): string {
  const foretold = JSON.stringify(foretell(overlaid(world, objects), test.question, circumstances));
  const saidOf = (some: readonly Applied[]) => misjudged(meshOf(some), [test])[0]?.said[0];
  const whole = saidOf(objects);
  // What is foretold must stay, or the expectations would be wrong themselves; and what is wrong of them, or it is another thing.
  const own = least(objects, (some) => {
    const other = JSON.stringify(foretell(overlaid(world, some), test.question, circumstances));
    return other === foretold && misjudged(meshOf(some), [test]).length > 0 && saidOf(some) === whole;
  });
  const [first] = misjudged(meshOf(own), [test]);
  const { text } = testText([test]);
  const wrong = test.wrong === undefined ? "all is right" : `${test.wrong} is wrong`;
  return `${wrong}, and it said ${JSON.stringify(first?.said)} of\n${text}with ${JSON.stringify(own, undefined, 1)}`;
}
