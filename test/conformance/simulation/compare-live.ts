/**
 * The same pairs against a running mesh: what clients and applications saw, what `simulate()` says of the objects that the
 * server has, and what the oracle foretells of them.
 */
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import type { Stored } from "../../../src/api/index.ts";
import type { Applied, Question } from "./applied.ts";
import { kindOf } from "./compare-simulation.ts";
import { liveDifferences } from "./differences.ts";
import { foretell } from "./foretell.ts";
import type { LiveMesh } from "./live-mesh.ts";
import { randomCase } from "./random-case.ts";
import { simulatedDifferences, simulatedMesh, simulatedRequest } from "./simulated.ts";

export interface LiveComparison {
  readonly pairs: number;
  readonly configurations: number;
  readonly kinds: ReadonlyMap<string, number>;
  /** Pairs on which what was seen is not what the oracle foretold, and those on which `simulate()` is not. */
  readonly different: { readonly live: number; readonly simulated: number };
  /** The first few. */
  readonly differences: readonly string[];
}

const maxTold = 5;
/** Requests under way at once: the machine's two cores are the proxies' too. */
const atOnce = 5;

export async function compareLive(mesh: LiveMesh, pairs: number, seed: number): Promise<LiveComparison> {
  const random = seededRandom(seed);
  const trustDomain = await mesh.trustDomain();
  const kinds = new Map<string, number>();
  const different = { live: 0, simulated: 0 };
  const ofMesh: string[] = [];
  const ofSimulation: string[] = [];
  let done = 0;
  let configurations = 0;
  while (done < pairs) {
    const { objects, questions } = randomCase(random, mesh.world);
    await mesh.become(objects);
    configurations++;
    const stored = await mesh.stored();
    const circumstances = { trustDomain, nowMs: Date.now() };
    const simulated = simulatedMesh(stored, circumstances);
    const applied = asApplied(stored);
    const compare = async (question: Question): Promise<void> => {
      const foretold = foretell(applied, question, circumstances);
      const kind = kindOf(foretold);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const live = liveDifferences(question, foretold, await mesh.ask(question));
      const said = simulatedDifferences(question, foretold, simulated.simulate(simulatedRequest(question)));
      if (live.length > 0) different.live++;
      if (said.length > 0) different.simulated++;
      if (live.length + said.length === 0) return;
      // Of the two what the mesh itself did otherwise is told first.
      const told = live.length > 0 ? ofMesh : ofSimulation;
      if (told.length < maxTold)
        told.push(JSON.stringify({ live, simulated: said, question, objects }, undefined, 1));
    };
    const asked = questions.slice(0, pairs - done);
    for (let i = 0; i < asked.length; i += atOnce) await Promise.all(asked.slice(i, i + atOnce).map(compare));
    done += asked.length;
  }
  return { pairs: done, configurations, kinds, different, differences: [...ofMesh, ...ofSimulation] };
}

/** The oracle reads texts, not what a parser has made of them. */
function asApplied(stored: readonly Stored[]): Applied[] {
  const read: Applied[] = JSON.parse(JSON.stringify(stored));
  return read;
}
