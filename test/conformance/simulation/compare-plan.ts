/** Random changes of random configurations: the flips that `weft plan` tells of against what the oracle foretells of before and after. */
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import { type Applied, overlaid, type Question } from "./applied.ts";
import { circumstances, type Comparison, world } from "./compare-simulation.ts";
import { allOf, flipDifferences, flipsOf, foretoldEnding, plannedFlips } from "./ending.ts";
import { foretell } from "./foretell.ts";
import { least } from "./least.ts";
import { PlannedMesh } from "./planned.ts";
import { randomCase } from "./random-case.ts";
import { type Change, randomChange } from "./random-change.ts";
import { imaginedWorld } from "./world.ts";

/** Of one configuration, so that a plan must leave the mesh as it was. */
const changesOfConfiguration = 2;

export function comparePlan(pairs: number, seed: number): Comparison {
  const random = seededRandom(seed);
  const kinds = new Map<string, number>();
  let done = 0;
  let different = 0;
  let difference: string | undefined;
  while (done < pairs) {
    const { objects, questions } = randomCase(random, imaginedWorld);
    const present = overlaid(world, objects);
    const mesh = new PlannedMesh(present, circumstances);
    for (let i = 0; i < changesOfConfiguration && done < pairs; i++) {
      const fresh = randomCase(random, imaginedWorld, 0).objects;
      const change = randomChange(random, present, objects, fresh);
      const asked = questions.slice(0, pairs - done);
      done += asked.length;
      const { lines, flips } = compare(mesh, present, change, asked);
      count(kinds, "as before", asked.length - flips.length);
      for (const kind of flips) count(kinds, kind, 1);
      different += lines.length;
      if (lines.length > 0) difference ??= shrunk({ objects, change, questions: asked });
    }
  }
  return { pairs: done, kinds, different, difference };
}

function count(kinds: Map<string, number>, kind: string, more: number): void {
  kinds.set(kind, (kinds.get(kind) ?? 0) + more);
}

function compare(
  mesh: PlannedMesh,
  present: readonly Applied[],
  change: Change,
  questions: readonly Question[],
) {
  const after = mesh.after(change);
  const report = mesh.plan(change, questions);
  const asked = questions.map((question) => ({
    question,
    before: foretoldEnding(question, foretell(present, question, circumstances)),
    after: foretoldEnding(question, foretell(after, question, circumstances)),
  }));
  const lines = flipDifferences(plannedFlips(report.flips, allOf), flipsOf(asked, allOf));
  if (report.requests !== questions.length)
    lines.push(`${report.requests} of ${questions.length} requests were asked about`);
  const flips = asked.flatMap(({ before, after: now }) =>
    allOf(before) === allOf(now) ? [] : [`${before.verdict} -> ${now.verdict}`],
  );
  return { lines, flips };
}

interface Wrong {
  readonly objects: readonly Applied[];
  readonly change: Change;
  readonly questions: readonly Question[];
}

function shrunk({ objects, change, questions }: Wrong): string {
  const isWrong = (tried: Wrong): boolean => linesOf(tried).length > 0;
  const question = least(
    questions,
    (some) => some.length > 0 && isWrong({ objects, change, questions: some }),
  );
  const own = least(objects, (some) => isWrong({ objects: some, change, questions: question }));
  const upserted = least(change.upserted, (some) =>
    isWrong({ objects: own, change: { ...change, upserted: some }, questions: question }),
  );
  const found = { objects: own, change: { ...change, upserted }, questions: question };
  return JSON.stringify({ differences: linesOf(found), ...found }, undefined, 1);
}

/** What a change deletes must be there. */
function linesOf({ objects, change, questions }: Wrong): string[] {
  const present = overlaid(world, objects);
  if (!change.removed.every((each) => present.includes(each))) return [];
  return compare(new PlannedMesh(present, circumstances), present, change, questions).lines;
}
