/** Random configurations and requests: what `simulate()` says of them against what the oracle foretells. */
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import type { Applied, Question } from "./applied.ts";
import { type Circumstances, type Foretold, foretell } from "./foretell.ts";
import { least } from "./least.ts";
import { randomCase } from "./random-case.ts";
import { simulatedDifferences, simulatedMesh, storedObjects } from "./simulated.ts";
import { simulatedRequest } from "./simulated-request.ts";
import { imaginedWorld, workloadObjects, worldObjects } from "./world.ts";

export interface Comparison {
  readonly pairs: number;
  /** "forwarded", "refused no_route", …: of each how many. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly different: number;
  /** The first pair on which the two do not agree, with the least configuration that shows it. */
  readonly difference: string | undefined;
}

export const circumstances: Circumstances = {
  trustDomain: "mesh",
  nowMs: Date.parse("2026-06-01T00:00:00Z"),
};
export const world = [...worldObjects(), ...workloadObjects(imaginedWorld)];

export function compareSimulation(pairs: number, seed: number): Comparison {
  const random = seededRandom(seed);
  const kinds = new Map<string, number>();
  let done = 0;
  let different = 0;
  let difference: string | undefined;
  while (done < pairs) {
    const { objects, questions } = randomCase(random, imaginedWorld);
    const mesh = simulatedMesh(storedObjects([...world, ...objects]), circumstances);
    for (const question of questions.slice(0, pairs - done)) {
      done++;
      const foretold = foretell([...world, ...objects], question, circumstances);
      const kind = kindOf(foretold);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const lines = simulatedDifferences(question, foretold, mesh.simulate(simulatedRequest(question)));
      if (lines.length === 0) continue;
      different++;
      difference ??= shrunk(objects, question);
    }
  }
  return { pairs: done, kinds, different, difference };
}

export function kindOf({ verdict, reason }: Foretold): string {
  return `${verdict} ${reason}`.trim();
}

/** Objects are left out one after another as long as the two still differ, and first in the same. */
function shrunk(objects: readonly Applied[], question: Question): string {
  const [first] = linesOf(objects, question);
  const own = least(objects, (some) => linesOf(some, question)[0] === first);
  return JSON.stringify({ differences: linesOf(own, question), question, objects: own }, undefined, 1);
}

function linesOf(objects: readonly Applied[], question: Question): string[] {
  const all = [...world, ...objects];
  const mesh = simulatedMesh(storedObjects(all), circumstances);
  return simulatedDifferences(
    question,
    foretell(all, question, circumstances),
    mesh.simulate(simulatedRequest(question)),
  );
}
